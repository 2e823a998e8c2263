//! `doorward_flow`, `doorward_method` and `doorward_field`.

use std::ptr;

use doorward::plugin::Field;
use doorward::{FlowHandle, Method, UserId};

use crate::abi::{Id, Pairs, id_within};
use crate::boundary::{self, In};
use crate::text::{PairList, Text, at, texts, values};

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
    next: Method,
    fields: Vec<FieldView>,
    provider: Text,
    action: Text,
    class: Text,
    challenge: PairList,
}

impl From<Method> for MethodView {
    fn from(next: Method) -> Self {
        Self {
            fields: next.fields.iter().cloned().map(FieldView::from).collect(),
            next,
            provider: Text::default(),
            action: Text::default(),
            class: Text::default(),
            challenge: PairList::default(),
        }
    }
}

/// The view of one credential field.
pub(crate) struct FieldView {
    field: Field,
    name: Text,
    autocomplete: Text,
}

impl From<Field> for FieldView {
    fn from(field: Field) -> Self {
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
    doorward_field_name(FieldView) |v| v.name, v.field.name.as_bytes();
    doorward_field_autocomplete(FieldView) |v| v.autocomplete, v.field.autocomplete.as_bytes();
}

values! {
    doorward_flow_expires_at(FlowView) -> i64, i64::MIN, |v| v.flow.expires_at().as_micros();
    doorward_flow_user_id(FlowView) -> *const Id, ptr::null(), |v| v.user_id.as_ref().map_or(ptr::null(), |id| id_within(id.as_bytes()));
    doorward_flow_next(FlowView, index) -> *const MethodView, ptr::null(), |v| at(&v.methods, index);
    doorward_method_field(MethodView, index) -> *const FieldView, ptr::null(), |v| at(&v.fields, index);
    doorward_field_max_len(FieldView) -> usize, 0, |v| v.field.max_len;
    doorward_field_is_secret(FieldView) -> bool, false, |v| v.field.secret;
    doorward_field_is_optional(FieldView) -> bool, false, |v| v.field.optional;
}

#[unsafe(no_mangle)]
extern "C" fn doorward_method_challenge(method: In<MethodView>) -> Pairs {
    let Some(method) = method.optional() else {
        return Pairs::empty();
    };
    boundary::caught_or(Pairs::empty(), || {
        let values = method
            .next
            .challenge
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        method.challenge.lend(values)
    })
}
