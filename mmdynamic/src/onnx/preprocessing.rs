//! From raw values to what the network takes, with the arithmetic of [`Preprocessing`]: missing values filled in f32,
//! scaling in f64 and rounded once.

use super::graph::{Graph, Type};
use crate::data::{Preprocessing, ViewScale};

/// Makes a view's raw values ready for the network.
pub(super) fn prepare(graph: &mut Graph, number: usize, raw: &str, figures: &Preprocessing) -> String {
    let view = format!("view{}", number + 1);
    let filled = match figures.imputer.views.get(number) {
        Some(fill) => fill_in(graph, &view, raw, fill),
        None => raw.to_owned(),
    };
    scale(graph, &view, &filled, &figures.scaler.views[number])
}

fn fill_in(graph: &mut Graph, view: &str, raw: &str, fill: &[f64]) -> String {
    let fill = graph.f32s(&format!("{view}.fill"), &[fill.len()], fill.iter().map(|&figure| figure as f32));
    let missing = graph.op("IsNaN", &format!("{view}.missing"), &[raw]);
    graph.op("Where", &format!("{view}.filled"), &[&missing, &fill, raw])
}

/// `(x - shift) / scale`; a feature that is constant in train, of scale 0, becomes 0.
fn scale(graph: &mut Graph, view: &str, raw: &str, figures: &ViewScale) -> String {
    let ViewScale { shift, scale } = figures;
    if shift.iter().all(|&shift| shift == 0.0) && scale.iter().all(|&scale| scale == 1.0) {
        return raw.to_owned();
    }
    let name = |part: &str| format!("{view}.{part}");
    let divisor = scale.iter().map(|&scale| if scale == 0.0 { 1.0 } else { scale });
    let divisor = graph.f64s(&name("scale"), &[scale.len()], divisor);
    let shift = graph.f64s(&name("shift"), &[shift.len()], shift.iter().copied());
    let x = graph.cast(&name("double"), raw, Type::F64);
    let x = graph.op("Sub", &name("shifted"), &[&x, &shift]);
    let mut x = graph.op("Div", &name("divided"), &[&x, &divisor]);
    if scale.contains(&0.0) {
        let constant = graph.bools(&name("is_constant"), scale.iter().map(|&scale| scale == 0.0));
        let zero = graph.f64s(&name("zero"), &[], [0.0].into_iter());
        x = graph.op("Where", &name("constant_as_zero"), &[&constant, &zero, &x]);
    }
    let largest = f64::from(f32::MAX);
    let low = graph.f64s(&name("least"), &[], [-largest].into_iter());
    let high = graph.f64s(&name("most"), &[], [largest].into_iter());
    let x = graph.op("Clip", &name("clipped"), &[&x, &low, &high]);
    graph.cast(&name("scaled"), &x, Type::F32)
}
