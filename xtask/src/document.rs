//! The generated blocks of a document (`docs/performance.md`, `docs/results.md`). What stands around them is written by hand and stays as it is.

/// Puts `text` between the markers of block `name`; the first missing block is put behind the generated ones there are.
pub(crate) fn replaced(document: &str, name: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (begin(name), "<!-- end generated -->");
    let block = format!("{begin}\n\n{}\n\n{end}", text.trim());
    if let Some(start) = document.find(&begin) {
        let length = document[start..].find(end).ok_or(format!("`{begin}` has no `{end}` behind it"))?;
        return Ok(format!("{}{block}{}", &document[..start], &document[start + length + end.len()..]));
    }
    let behind = document.rfind(end).map_or(document.len(), |at| at + end.len());
    let rest = document[behind..].trim_start_matches('\n');
    Ok(format!("{}\n\n{block}\n\n{rest}", document[..behind].trim_end()))
}

fn begin(name: &str) -> String {
    format!("<!-- begin generated: {name} -->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_changes() {
        let block = |text| format!("<!-- begin generated: a -->\n\n{text}\n\n<!-- end generated -->");
        let old = format!("# Title\n\n{}\n\n## By hand\n\ntext\n", block("old"));
        let new = replaced(&old, "a", "new\n").unwrap();
        assert_eq!(new, format!("# Title\n\n{}\n\n## By hand\n\ntext\n", block("new")));
        assert_eq!(replaced(&new, "a", "new").unwrap(), new);
    }

    #[test]
    fn a_new_block_goes_behind_the_last() {
        let old = "# T\n\n<!-- begin generated: a -->\n\n1\n\n<!-- end generated -->\n\n## By hand\n";
        let new = replaced(old, "b", "2").unwrap();
        let b = "<!-- end generated -->\n\n<!-- begin generated: b -->\n\n2\n\n<!-- end generated -->\n\n## By hand\n";
        assert!(new.ends_with(b), "{new}");
    }

    #[test]
    fn a_block_without_an_end_is_refused_and_not_overwritten() {
        assert!(replaced("<!-- begin generated: a -->\n\nby hand", "a", "x").is_err());
    }
}
