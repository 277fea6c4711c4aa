//! Puts a graph together, operation by operation.

use super::messages::{
    AttributeProto, Dimension, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorType, TypeProto,
    ValueInfoProto,
};

/// Element types, with ONNX's numbers.
#[derive(Clone, Copy)]
pub(super) enum Type {
    F32 = 1,
    I64 = 7,
    Bool = 9,
    F64 = 11,
}

/// The name of the first dimension of all inputs and outputs.
const ROWS: &str = "rows";
/// ONNX's number for an attribute that is an integer.
const INT: i32 = 2;

/// A graph in the making. Values go by their names; an operation's output has the name that it is given.
#[derive(Default)]
pub(super) struct Graph(GraphProto);

impl Graph {
    /// An input (rows, width).
    pub(super) fn input(&mut self, name: &str, width: usize, doc: &str) -> String {
        self.0.input.push(value_info(name, Type::F32, Some(width), doc));
        name.to_owned()
    }

    /// Makes a value an output, (rows, width) or, without a width, (rows).
    pub(super) fn output(&mut self, name: &str, ty: Type, width: Option<usize>, doc: &str) {
        self.0.output.push(value_info(name, ty, width, doc));
    }

    pub(super) fn f32s(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = f32>) -> String {
        self.constant(name, Type::F32, shape, values.flat_map(f32::to_le_bytes).collect())
    }

    pub(super) fn f64s(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = f64>) -> String {
        self.constant(name, Type::F64, shape, values.flat_map(f64::to_le_bytes).collect())
    }

    pub(super) fn bools(&mut self, name: &str, values: impl Iterator<Item = bool>) -> String {
        let bytes: Vec<u8> = values.map(u8::from).collect();
        self.constant(name, Type::Bool, &[bytes.len()], bytes)
    }

    pub(super) fn i64s(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Type::I64, &[values.len()], bytes)
    }

    fn constant(&mut self, name: &str, ty: Type, shape: &[usize], bytes: Vec<u8>) -> String {
        self.0.initializer.push(TensorProto {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: ty as i32,
            name: name.to_owned(),
            raw_data: Some(bytes),
        });
        name.to_owned()
    }

    /// The one output of an operation.
    pub(super) fn op(&mut self, op_type: &str, output: &str, inputs: &[&str]) -> String {
        self.op_with(op_type, output, inputs, &[])
    }

    /// The same with attributes.
    pub(super) fn op_with(
        &mut self,
        op_type: &str,
        output: &str,
        inputs: &[&str],
        attributes: &[(&str, i64)],
    ) -> String {
        let attribute =
            |&(name, i): &(&str, i64)| AttributeProto { name: name.to_owned(), i: Some(i), r#type: INT };
        self.0.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op_type.to_owned(),
            attribute: attributes.iter().map(attribute).collect(),
        });
        output.to_owned()
    }

    pub(super) fn cast(&mut self, output: &str, input: &str, to: Type) -> String {
        self.op_with("Cast", output, &[input], &[("to", to as i64)])
    }

    pub(super) fn finish(self, name: &str) -> GraphProto {
        GraphProto { name: name.to_owned(), ..self.0 }
    }
}

fn value_info(name: &str, ty: Type, width: Option<usize>, doc: &str) -> ValueInfoProto {
    let rows = Dimension { dim_param: Some(ROWS.to_owned()), dim_value: None };
    let columns = width.map(|width| Dimension { dim_value: Some(width as i64), dim_param: None });
    let shape = TensorShapeProto { dim: [rows].into_iter().chain(columns).collect() };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorType { elem_type: ty as i32, shape: Some(shape) }),
        }),
        doc_string: doc.to_owned(),
    }
}
