//! The interface described in OpenAPI 3.1, made from the table of operations and the types themselves.

use super::shapes::Problem;
use super::table::{BASE, Gives, OPERATIONS, Operation};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The whole description.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = Problem::json_schema(&mut generator);
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let method = if operation.get { "get" } else { "post" };
        let described = describe(operation, &mut generator);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[method] = described;
    }
    let mut schemas = Value::Object(generator.take_definitions(true));
    schemas["Problem"] = problem.into();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hold Slayer",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The telephone box that waits on hold. Make a token under Settings, Access of programs, and send it as \
                            `Authorization: Bearer …`. Times are milliseconds since 1970 in UTC.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": BASE }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "Problem": {
                    "description": "What went wrong and what to do",
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                },
            },
        },
    })
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let mut responses = Map::new();
    let (status, given) = given(operation.gives, generator);
    responses.insert(status.to_string(), given);
    for status in ["400", "401", "403", "404", "405", "409", "413", "415", "429", "503", "504"] {
        responses.insert(status.into(), problem.clone());
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.says,
        "description": match operation.scope {
            Some(scope) => format!("Needs the scope `{}`.", scope.name()),
            None => "Open to anybody.".into(),
        },
        "parameters": parameters(operation, generator),
        "responses": responses,
    });
    if operation.scope.is_none() {
        described["security"] = json!([]);
    }
    if let Some(takes) = operation.takes {
        let kind = match operation.what {
            what if what.takes_a_file() => "multipart/form-data",
            what if what.takes_bytes() => "application/octet-stream",
            _ => "application/json",
        };
        described["requestBody"] = json!({ "required": !operation.what.takes_nothing(), "content": { kind: { "schema": takes(generator) } } });
    }
    described
}

fn given(gives: Gives, generator: &mut SchemaGenerator) -> (u16, Value) {
    let (status, kind, schema) = match gives {
        Gives::Json(status, shape) => (status, "application/json", Value::from(shape(generator))),
        Gives::Description => (200, "application/json", json!({ "type": "object" })),
        Gives::File => (200, "application/octet-stream", json!({ "type": "string", "format": "binary" })),
        Gives::Sound => (200, "audio/*", json!({ "type": "string", "format": "binary" })),
        Gives::Stream => (200, "text/event-stream", json!({ "type": "string" })),
    };
    (status, json!({ "description": "Done", "content": { kind: { "schema": schema } } }))
}

fn parameters(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    if operation.path.contains("{id}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "description": "The call's number",
            "schema": { "type": "integer", "format": "uint64", "minimum": 0 },
        }));
    }
    if operation.path.contains("{name}") {
        parameters.push(json!({
            "name": "name", "in": "path", "required": true, "description": "Which recording",
            "schema": { "type": "string", "enum": crate::studio::NAMES },
        }));
    }
    let Some(query) = operation.query else { return parameters };
    let schema = resolve(query(generator), generator);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let (description, schema) = (schema["description"].clone(), without_null(schema.clone()));
        let required = required.iter().any(|one| one == name);
        parameters.push(json!({
            "name": name, "in": "query", "required": required, "description": description, "schema": schema,
        }));
    }
    parameters
}

/// The definition that a schema refers to.
fn resolve(schema: Schema, generator: &SchemaGenerator) -> Value {
    let schema = Value::from(schema);
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.and_then(|name| generator.definitions().get(name)).cloned().unwrap_or(schema)
}

/// A parameter is left out, never null.
fn without_null(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array() {
        let rest: Vec<Value> = types.iter().filter(|kind| **kind != "null").cloned().collect();
        schema["type"] = rest.into_iter().next().unwrap_or_default();
    }
    let any =
        schema["anyOf"].as_array().and_then(|any| any.iter().find(|one| one["type"] != "null")).cloned();
    any.unwrap_or(schema)
}
