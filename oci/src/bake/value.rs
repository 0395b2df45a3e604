//! The values of a bake file: texts, with variables that have defaults.
//!
//! Invariant: the environment is no part of it, no function is called, and no value is larger than what it is made for.

use hcl::eval::{Context, Evaluate};
use hcl::expr::{ObjectKey, TemplateExpr};
use hcl::template::{Element, Template};
use hcl::{Body, Expression, Identifier, Value};

/// Characters of a value. Bounded, or a few variables that repeat each other would fill the memory.
const LONGEST: usize = 4096;

/// The variables of a bake file, by their defaults.
pub(super) struct Variables(Context<'static>);

impl Variables {
    /// Those whose default can be told. What cannot matters only to whom uses it.
    pub(super) fn of(body: &Body) -> Self {
        let mut variables = Self(Context::new());
        let mut waiting: Vec<_> = body.blocks().filter(|block| block.identifier() == "variable").collect();
        // A default may name variables that are declared below it.
        loop {
            let before = waiting.len();
            waiting.retain(|block| {
                let name = block.labels().first().and_then(|name| Identifier::new(name.as_str()).ok());
                let Some(name) = name else { return false };
                let default = block.body().attributes().find(|attribute| attribute.key() == "default");
                match default.map_or(Ok(Value::from("")), |default| variables.value(default.expr())) {
                    Ok(value) => {
                        variables.0.declare_var(name, value);
                        false
                    }
                    Err(_) => true,
                }
            });
            if waiting.len() == before {
                return variables;
            }
        }
    }

    /// The value of an expression that is simple enough.
    pub(super) fn value(&self, expression: &Expression) -> Result<Value, String> {
        check(expression)?;
        let value = expression.evaluate(&self.0);
        let value = value.map_err(|error| format!("which cannot be evaluated: {}", error.kind()))?;
        match is_short(&value) {
            true => Ok(value),
            false => Err(format!("which has a value of more than {LONGEST} characters")),
        }
    }

    /// The same, as a text.
    pub(super) fn text(&self, expression: &Expression) -> Result<String, String> {
        text(self.value(expression)?).ok_or_else(|| "which is no text".to_owned())
    }
}

/// A value as a text, if it is one in a bake file.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= LONGEST,
        Value::Array(values) => values.iter().all(is_short),
        Value::Object(members) => members.iter().all(|(key, value)| key.len() <= LONGEST && is_short(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Fails unless it is made of texts, lists, and variables.
fn check(expression: &Expression) -> Result<(), String> {
    match expression {
        Expression::Null | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) => Ok(()),
        Expression::Variable(_) => Ok(()),
        Expression::Parenthesis(inner) => check(inner),
        Expression::Array(items) => items.iter().try_for_each(check),
        Expression::Object(members) => members.iter().try_for_each(|(key, value)| {
            if let ObjectKey::Expression(key) = key {
                check(key)?;
            }
            check(value)
        }),
        Expression::TemplateExpr(template) => check_template(template),
        Expression::FuncCall(call) => {
            Err(format!("which calls the function {}, and dwf calls none", call.name))
        }
        _ => Err("which is more than texts, lists and variables".to_owned()),
    }
}

fn check_template(template: &TemplateExpr) -> Result<(), String> {
    let template = Template::from_expr(template).map_err(|_| "which has a text that is none".to_owned())?;
    template.elements().iter().try_for_each(|element| match element {
        Element::Literal(_) => Ok(()),
        Element::Interpolation(interpolation) => check(&interpolation.expr),
        Element::Directive(_) => Err("which is more than texts, lists and variables".to_owned()),
    })
}
