//! The messages of TensorBoard's event files that are written here: names, numbers and types of the fields as in
//! its `event.proto`, `summary.proto`, `histogram.proto`, `tensor.proto` and the plugin's `plugin_data.proto`.
//!
//! Fields of a `oneof` are optional ones here, of which a value has one: on the wire that is the same.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(string, optional, tag = "3")]
    pub(super) file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub(super) summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SummaryValue {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(super) simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    pub(super) image: Option<Image>,
    #[prost(message, optional, tag = "5")]
    pub(super) histo: Option<HistogramProto>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// 3 is RGB.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) encoded_image_string: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramProto {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) num: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    pub(super) bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub(super) bucket: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    /// 7 is `DT_STRING`.
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<TensorShape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) string_val: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub(super) plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

/// What the hparams plugin finds in a value's metadata.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HParamsPluginData {
    #[prost(message, optional, tag = "3")]
    pub(super) session_start_info: Option<SessionStartInfo>,
    #[prost(message, optional, tag = "4")]
    pub(super) session_end_info: Option<SessionEndInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionStartInfo {
    /// A map, which on the wire is a list of pairs.
    #[prost(message, repeated, tag = "1")]
    pub(super) hparams: Vec<HParam>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HParam {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<HParamValue>,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HParamValue {
    #[prost(double, optional, tag = "2")]
    pub(super) number_value: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub(super) string_value: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub(super) bool_value: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionEndInfo {
    /// 1 is success, 2 is failure.
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
}
