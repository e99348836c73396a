"""Lists and calls every tool and resource by the official MCP client. Arguments: address of /mcp, token."""
import asyncio
import json
import sys
from urllib.parse import quote

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, token: str) -> None:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        streamable_http_client(url, http_client=http) as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        hello = await session.initialize()
        tools = {tool.name for tool in (await session.list_tools()).tools}
        called = set()

        async def call(name: str, **arguments):
            result = await session.call_tool(name, arguments)
            called.add(name)
            assert not (getattr(result, "isError", False) or getattr(result, "is_error", False)), (name, result)
            return json.loads(result.content[0].text)

        assert "calls" in await call("gateway_status")
        await call("list_active_calls")
        await call("list_devices")
        first = (await call("search_call_history", limit=1))["calls"][0]["call_id"]
        assert "by_hour_ms" in await call("get_statistics")
        for name in ("get_call_status", "get_call_summary", "get_call_transcript"):
            await call(name, call_id=first)
        number = (await call("list_call_flows"))["flows"][0]["number"]
        flow = (await call("get_call_flow", number=number))["flow"]
        for name, arguments in (
            ("learn_call_flow", {"number": number, "flow": flow}),
            ("make_call", {"number": "18005550123", "mode": "direct"}),
            ("send_dtmf", {"call_id": 9, "digits": "1"}),
            ("end_call", {"call_id": 9}),
        ):
            asked = await call(name, **arguments)
            assert asked["done"] is False, asked
            await call(name, **arguments, confirmation=asked["confirmation"])
        assert called == tools, f"never called: {tools - called}"
        resources = (await session.list_resources()).resources
        uris = [str(resource.uri) for resource in resources]
        templates = (await session.list_resource_templates()).resource_templates
        for template in templates:
            uris.append(template.uri_template.format(call_id=first, number=quote(number, safe="")))
        for uri in uris:
            assert json.loads((await session.read_resource(uri)).contents[0].text), uri
        print(json.dumps({"server": hello.model_dump(mode="json"), "tools": sorted(tools), "resources": uris}))


asyncio.run(main(*sys.argv[1:]))
