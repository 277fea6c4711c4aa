//! What somebody may have meant.

use super::keys::KEYS;
use super::section::Key;

/// The setting whose name is nearest to `given`: one of that last word, whatever its section, before one spelt alike.
pub(super) fn setting(given: &str) -> Option<&'static Key> {
    let given = given.to_ascii_lowercase().replace('_', "-");
    let word = given.rsplit('.').next().unwrap_or(&given);
    let has_word = |key: &&Key| key.short() == word || key.alias == Some(word);
    KEYS.iter().find(has_word).or_else(|| {
        let distance = |key: &&'static Key| {
            let whole = strsim::damerau_levenshtein(&given, &key.name());
            let last = strsim::damerau_levenshtein(word, &key.short());
            let alias = key.alias.map_or(usize::MAX, |alias| strsim::damerau_levenshtein(word, alias));
            whole.min(last).min(alias)
        };
        KEYS.iter().min_by_key(distance).filter(|key| distance(key) <= 1 + word.len() / 3)
    })
}

/// The one of `names` that is nearest to `given`, if any is near.
pub(super) fn name<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(given, name);
    names.min_by_key(distance).filter(|name| distance(name) <= 1 + given.len() / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_and_a_wrong_section_find_what_was_meant_and_nonsense_nothing() {
        for (given, meant) in [
            ("optimizer.lrr", "optimizer.lr"),
            ("lr", "optimizer.lr"),
            ("trainer.epochs", "trainer.max-epochs"),
            ("trainer.max_epochs", "trainer.max-epochs"),
            ("trainer.hidden_dim", "model.hidden-dim"),
            ("reg", "optimizer.weight-decay"),
            ("sede", "seed"),
            ("model.dropuot", "model.dropout"),
        ] {
            assert_eq!(setting(given).map(Key::name).as_deref(), Some(meant), "{given}");
        }
        assert!(setting("colour-of-the-sky").is_none());
        assert_eq!(name("trainr", ["data", "trainer"].into_iter()), Some("trainer"));
    }
}
