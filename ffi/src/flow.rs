//! `doorward_flow`, `doorward_method` and `doorward_input`.

use std::ptr;

use doorward::plugin::Field as Declared;
use doorward::{FlowHandle, Next, UserId};

use crate::abi::{Field, Id};
use crate::boundary::{self, In, Length, id_within};
use crate::text::{FieldList, Text, at, texts, values};

/// The view of a flow.
pub(crate) struct FlowView {
    flow: FlowHandle,
    token: Text,
    purpose: Text,
    provider: Text,
    user_id: Option<UserId>,
    methods: Vec<MethodView>,
}

impl From<FlowHandle> for FlowView {
    fn from(flow: FlowHandle) -> Self {
        let methods = flow.next().iter().cloned().map(MethodView::from).collect();
        Self {
            user_id: flow.user_id(),
            flow,
            purpose: Text::default(),
            provider: Text::default(),
            token: Text::default(),
            methods,
        }
    }
}

/// The view of one way to answer.
pub(crate) struct MethodView {
    next: Next,
    inputs: Vec<InputView>,
    provider: Text,
    action: Text,
    class: Text,
    challenge: FieldList,
}

impl From<Next> for MethodView {
    fn from(next: Next) -> Self {
        Self {
            inputs: next.fields.iter().cloned().map(InputView::from).collect(),
            next,
            provider: Text::default(),
            action: Text::default(),
            class: Text::default(),
            challenge: FieldList::default(),
        }
    }
}

/// The view of one credential field.
pub(crate) struct InputView {
    field: Declared,
    name: Text,
    autocomplete: Text,
}

impl From<Declared> for InputView {
    fn from(field: Declared) -> Self {
        Self {
            field,
            name: Text::default(),
            autocomplete: Text::default(),
        }
    }
}

texts! {
    doorward_flow_token(FlowView) |v| v.token, v.flow.token().expose();
    doorward_flow_purpose(FlowView) |v| v.purpose, v.flow.purpose().as_bytes();
    doorward_flow_provider(FlowView) |v| v.provider, v.flow.provider().unwrap_or_default().as_bytes();
    doorward_method_provider(MethodView) |v| v.provider, v.next.provider.as_bytes();
    doorward_method_action(MethodView) |v| v.action, v.next.action.id().as_bytes();
    doorward_method_factor_class(MethodView) |v| v.class, v.next.class.map_or("", |class| class.id()).as_bytes();
    doorward_input_name(InputView) |v| v.name, v.field.name.as_bytes();
    doorward_input_autocomplete(InputView) |v| v.autocomplete, v.field.autocomplete.as_bytes();
}

values! {
    doorward_flow_expires_at(FlowView) -> i64, i64::MIN, |v| v.flow.expires_at().as_micros();
    doorward_flow_user_id(FlowView) -> *const Id, ptr::null(), |v| v.user_id.as_ref().map_or(ptr::null(), |id| id_within(id.as_bytes()));
    doorward_flow_method_count(FlowView) -> usize, 0, |v| v.methods.len();
    doorward_flow_method(FlowView, index) -> *const MethodView, ptr::null(), |v| at(&v.methods, index);
    doorward_method_input_count(MethodView) -> usize, 0, |v| v.inputs.len();
    doorward_method_input(MethodView, index) -> *const InputView, ptr::null(), |v| at(&v.inputs, index);
    doorward_input_max_len(InputView) -> usize, 0, |v| v.field.max_len;
    doorward_input_is_secret(InputView) -> i32, 0, |v| v.field.secret.into();
    doorward_input_is_optional(InputView) -> i32, 0, |v| v.field.optional.into();
}

#[unsafe(no_mangle)]
extern "C" fn doorward_method_challenge(method: In<MethodView>, count: Length) -> *const Field {
    count.write(0);
    let Some(method) = method.optional() else {
        return ptr::null();
    };
    boundary::caught_or(ptr::null(), || {
        let values = method
            .next
            .challenge
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        method.challenge.lend(values, count)
    })
}
