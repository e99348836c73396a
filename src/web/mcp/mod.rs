//! The interface for assistants: the Model Context Protocol over streamable HTTP, by its official SDK. Each request stands
//! for itself: no session is kept.

mod acting;
mod tools;

use super::Site;
use super::access::Who;
use super::answer::Answer;
use crate::store::Store;
use acting::Acting;
use core::time::Duration;
use http_body_util::{BodyExt, Full};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex};

/// Longer than the control thread may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Fields of the request that the protocol reads.
const FIELDS: [&str; 8] = [
    "host",
    "origin",
    "accept",
    "content-type",
    "mcp-protocol-version",
    "mcp-session-id",
    "mcp-method",
    "mcp-name",
];

const HOW: &str = "Hold Slayer is the telephone box of a household. It places calls, waits on hold, and rings its owner's \
                   phone when a person answers. Tools that act are carried out in two steps: the first call says what \
                   would be done and gives a confirmation; ask the owner, then call again with it. Help (911, 112) is \
                   called on a phone only.";

/// The setting that counts what was done today.
const DONE: &str = "mcp.done";

/// What is remembered between requests.
pub(super) struct Mcp {
    acting: Mutex<Acting>,
}

impl Mcp {
    /// With what was done today before this start.
    pub(super) fn new(store: Option<&Store>) -> Self {
        let kept = store.and_then(|store| store.setting(DONE).ok().flatten()).unwrap_or_default();
        Self { acting: Mutex::new(Acting::after(serde_json::from_slice(&kept).unwrap_or_default())) }
    }
}

impl Site {
    /// Keeps what was done today for the next start.
    fn keep_acted(&self, done: &acting::Done) {
        let bytes = serde_json::to_vec(done).unwrap_or_default();
        if let Some(store) = &self.store
            && let Err(error) = store.set_setting(DONE, &bytes)
        {
            tracing::warn!(%error, "what assistants have done today is counted anew after a restart");
        }
    }
}

/// The server side of one request.
struct Assistant {
    site: Arc<Site>,
    who: Who,
}

/// Answers one request, which is JSON.
pub(super) fn answer(site: &Arc<Site>, request: &tiny_http::Request, text: &str, who: &Who) -> Answer {
    let unable = |why: &str| Answer::problem(500, why);
    let mut asked = http::Request::post("/mcp");
    for field in request.headers() {
        let name = field.field.as_str().as_str().to_ascii_lowercase();
        if FIELDS.contains(&&*name) {
            asked = asked.header(name, field.value.as_str());
        }
    }
    let Ok(asked) = asked.body(Full::new(io::Cursor::new(text.to_owned().into_bytes()))) else {
        return Answer::problem(400, "The request cannot be understood.");
    };
    let host = asked.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origins = [format!("http://{host}"), format!("https://{host}")];
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_allowed_hosts([host])
        .with_allowed_origins(origins)
        .enforce_origin_validation();
    let (site, who) = (Arc::clone(site), who.clone());
    let make = move || Ok::<_, io::Error>(Assistant { site: Arc::clone(&site), who: who.clone() });
    let service = StreamableHttpService::new(make, Arc::new(NeverSessionManager::default()), config);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return unable("The system gives no more threads. Restart the box.");
    };
    let done = runtime.block_on(async {
        let answered = async {
            let (head, body) = service.handle(asked).await.into_parts();
            let bytes = body.collect().await.map(|all| all.to_bytes().to_vec()).unwrap_or_default();
            (head, bytes)
        };
        tokio::time::timeout(PATIENCE, answered).await
    });
    let Ok((head, bytes)) = done else { return Answer::problem(504, "This took too long.") };
    let kind = head.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind {
        kind if kind.starts_with("text/event-stream") => {
            Answer::made("text/event-stream", head.status.as_u16(), bytes)
        }
        kind if kind.starts_with("application/json") => {
            Answer::made("application/json", head.status.as_u16(), bytes)
        }
        _ => Answer::made("text/plain; charset=utf-8", head.status.as_u16(), bytes),
    }
}

impl Assistant {
    /// Runs a tool where waiting is allowed.
    async fn run(&self, name: String, arguments: Value) -> Result<Value, String> {
        let (site, who) = (Arc::clone(&self.site), self.who.clone());
        let ran = tokio::task::spawn_blocking(move || tools::run(&site, &who, &name, arguments)).await;
        ran.unwrap_or_else(|_| Err("the box could not do this".into()))
    }
}

impl ServerHandler for Assistant {
    fn get_info(&self) -> ServerConfig {
        let able = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(able)
            .with_server_info(Implementation::new("hold-slayer", env!("CARGO_PKG_VERSION")))
            .with_instructions(HOW)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all(&self.who)))
    }

    async fn call_tool(
        &self,
        asked: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(asked.arguments.unwrap_or_default());
        let result = match self.run(asked.name.into_owned(), arguments).await {
            Ok(value) => CallToolResult::structured(value),
            Err(why) => CallToolResult::error(vec![ContentBlock::text(why)]),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |(uri, name, says, _): &(&str, &str, &str, &str)| {
            Resource::new(*uri, *name).with_description(*says).with_mime_type("application/json")
        };
        Ok(ListResourcesResult::with_all_items(tools::RESOURCES.iter().map(resource).collect()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = |&(before, key, after, name, says, _): &(&str, &str, &str, &str, &str, &str)| {
            ResourceTemplate::new(format!("{before}{{{key}}}{after}"), name)
                .with_description(says)
                .with_mime_type("application/json")
        };
        let all = tools::TEMPLATES.iter().map(template).collect();
        Ok(ListResourceTemplatesResult::with_all_items(all))
    }

    async fn read_resource(
        &self,
        asked: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let unknown = || ErrorData::resource_not_found("there is no such resource", None);
        let (tool, arguments) = tools::resource(&asked.uri).ok_or_else(unknown)?;
        let value = self.run(tool.into(), arguments).await;
        let value = value.map_err(|why| ErrorData::resource_not_found(why, None))?;
        let text = ResourceContents::text(value.to_string(), asked.uri).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![text]).into())
    }
}
