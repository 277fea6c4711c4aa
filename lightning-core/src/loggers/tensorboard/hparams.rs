//! What the HParams tab needs: the values at the start of a run, its end, and scalars to compare runs by.

use super::messages::{
    HParam, HParamValue, HParamsPluginData, Metadata, PluginData, SessionEndInfo, SessionStartInfo,
    SummaryValue,
};
use crate::Hyperparameters;
use crate::loggers::RunStatus;
use prost::Message;
use serde_json::Value;

/// The values, under flat names.
pub(super) fn session_start(hparams: &Hyperparameters) -> SummaryValue {
    let mut pairs = Vec::new();
    flatten("", hparams.as_json(), &mut pairs);
    let session_start_info = Some(SessionStartInfo { hparams: pairs });
    value("_hparams_/session_start_info", HParamsPluginData { session_start_info, session_end_info: None })
}

/// How the run ended. An interrupted one has not: it may go on.
pub(super) fn session_end(status: RunStatus) -> Option<SummaryValue> {
    let status = match status {
        RunStatus::Success => 1,
        RunStatus::Failed => 2,
        RunStatus::Interrupted => return None,
    };
    let session_end_info = Some(SessionEndInfo { status });
    Some(value(
        "_hparams_/session_end_info",
        HParamsPluginData { session_start_info: None, session_end_info },
    ))
}

fn value(tag: &str, data: HParamsPluginData) -> SummaryValue {
    let plugin_data = PluginData { plugin_name: "hparams".into(), content: data.encode_to_vec() };
    let metadata = Some(Metadata { plugin_data: Some(plugin_data) });
    SummaryValue { tag: tag.into(), metadata, ..SummaryValue::default() }
}

/// `{"config": {"lr": 0.1}}` becomes `config/lr`, as in Lightning. Lists are shown as text: the tab has no type for
/// them.
fn flatten(name: &str, value: &Value, pairs: &mut Vec<HParam>) {
    let (number_value, string_value, bool_value) = match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}/{key}") };
                flatten(&name, value, pairs);
            }
            return;
        }
        Value::Number(number) => (number.as_f64(), None, None),
        Value::Bool(value) => (None, None, Some(*value)),
        Value::String(text) => (None, Some(text.clone()), None),
        Value::Array(_) | Value::Null => (None, Some(value.to_string()), None),
    };
    let value = Some(HParamValue { number_value, string_value, bool_value });
    pairs.push(HParam { key: name.to_owned(), value });
}
