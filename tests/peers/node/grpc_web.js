// SPDX-License-Identifier: MIT OR Apache-2.0
// The published interoperability cases that browsers can make, with the gRPC-Web clients of grpc-web (text and binary; XMLHttpRequest by xhr2) and of
// @improbable-eng/grpc-web, over HTTP/1.1. `client "URL CLIENT CASE,CASE..."...`: a line "ok CASE" or "failed CASE of CLIENT at URL: why" for each.
"use strict";
const assert = require("node:assert");
const path = require("node:path");
globalThis.XMLHttpRequest = require("xhr2");
const web = require("grpc-web");
const improbable = require("@improbable-eng/grpc-web").grpc;
const {NodeHttpTransport} = require("@improbable-eng/grpc-web-node-http-transport");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync(path.join(__dirname, "../../e2e/grpc/interop.proto"), {keepCase: true, longs: Number, defaults: true});
const LARGE_UP = 271828, LARGE_DOWN = 314159, DOWN = [31415, 9, 2653, 58979];
const HEAD = "x-grpc-test-echo-initial", TRAILER = "x-grpc-test-echo-trailing-bin";
const OK = 0, CANCELLED = 1, DEADLINE_EXCEEDED = 4, UNIMPLEMENTED = 12;
const payload = size => ({body: Buffer.alloc(size)});

// ---- what makes a call: {messages, head, trailers, code, text} in the end; onMessage(cancel) for each ----

const byGrpcWeb = format => (url, name, method, request, metadata, onMessage) => new Promise(yes => {
	const client = new web.GrpcWebClientBase({format});
	const type = method.responseStream ? "server_streaming" : "unary";
	const how = new web.MethodDescriptor(name, type, Object, Object, r => new Uint8Array(method.requestSerialize(r)), b => method.responseDeserialize(Buffer.from(b)));
	const seen = {messages: [], code: OK, text: "", trailers: {}};
	const call = method.responseStream ? client.serverStreaming(url + name, request, metadata, how)
		: client.rpcCall(url + name, request, metadata, how, (error, message) => {
			if (error)
				Object.assign(seen, {code: error.code, text: error.message});
			else
				seen.messages.push(message);
			setTimeout(yes, 0, seen);
		});
	call.on("metadata", head => { seen.head = head; });
	call.on("status", status => {
		Object.assign(seen, {code: status.code, text: status.details, trailers: status.metadata || {}});
		if (method.responseStream)
			setTimeout(yes, 0, seen);
	});
	call.on("error", error => { Object.assign(seen, {code: error.code, text: error.message}); yes(seen); });
	if (method.responseStream)
		call.on("data", message => { seen.messages.push(message); onMessage(() => { call.cancel(); yes({...seen, code: CANCELLED}); }); });
});

function plain(headers) {
	const all = {};
	headers.forEach((name, values) => { all[name] = values[0]; });
	return all;
}

function byImprobable(url, name, method, request, metadata, onMessage) {
	return new Promise(yes => {
		const [, serviceName, methodName] = name.split("/");
		const seen = {messages: []};
		const call = improbable.invoke({
			methodName, service: {serviceName}, requestStream: false, responseStream: method.responseStream, requestType: Object,
			responseType: {deserializeBinary: b => method.responseDeserialize(Buffer.from(b))},
		}, {
			host: url, metadata: new improbable.Metadata(metadata), transport: NodeHttpTransport(),
			request: {serializeBinary: () => new Uint8Array(method.requestSerialize(request))},
			onHeaders: h => { seen.head = plain(h); },
			onMessage: message => { seen.messages.push(message); onMessage(() => { call.close(); yes({...seen, code: CANCELLED}); }); },
			onEnd: (code, text, trailers) => yes({...seen, code, text, trailers: plain(trailers)}),
		});
	});
}

const clients = {text: byGrpcWeb("text"), binary: byGrpcWeb("binary"), improbable: byImprobable};

// ---- the cases ----

const sizes = seen => seen.messages.map(m => m.payload.body.length);
const cases = {
	async empty_unary(call) {
		const seen = await call("EmptyCall", {});
		assert.equal(seen.code, OK);
		assert.deepEqual(seen.messages, [{}]);
	},
	async large_unary(call) {
		const seen = await call("UnaryCall", {response_size: LARGE_DOWN, payload: payload(LARGE_UP)});
		assert.equal(seen.code, OK);
		assert.deepEqual(sizes(seen), [LARGE_DOWN]);
	},
	async server_streaming(call) {
		const seen = await call("StreamingOutputCall", {response_parameters: DOWN.map(size => ({size}))});
		assert.equal(seen.code, OK);
		assert.deepEqual(sizes(seen), DOWN);
	},
	async cancel_after_first_response(call) {
		const seen = await call("StreamingOutputCall", {response_parameters: [{size: 31415}, {size: 9, interval_us: 5000000}]}, {}, cancel => cancel());
		assert.equal(seen.code, CANCELLED);
		assert.deepEqual(sizes(seen), [31415]);
	},
	async timeout_on_sleeping_server(call) {
		// The time is the gateway's and the server's to watch.
		const seen = await call("StreamingOutputCall", {response_parameters: [{size: 31415, interval_us: 3000000}]}, {"grpc-timeout": "300m"});
		assert.equal(seen.code, DEADLINE_EXCEEDED);
	},
	async status_code_and_message(call) {
		const seen = await call("UnaryCall", {response_status: {code: 2, message: "test status message"}});
		assert.deepEqual([seen.code, seen.text], [2, "test status message"]);
	},
	async special_status_message(call) {
		const message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n";
		const seen = await call("UnaryCall", {response_status: {code: 2, message}});
		// Whether a client decodes the percents is its own affair.
		assert.deepEqual([seen.code, seen.text.includes("%") ? decodeURIComponent(seen.text) : seen.text], [2, message]);
	},
	async custom_metadata(call) {
		const bytes = Buffer.from([10, 11, 10, 11, 10, 11, 255, 0]);
		const metadata = {[HEAD]: "test_initial_metadata_value", [TRAILER]: bytes.toString("base64")};
		for (const [method, request] of [["UnaryCall", {response_size: 10}], ["StreamingOutputCall", {response_parameters: [{size: 1}]}]]) {
			const seen = await call(method, request, metadata);
			assert.equal(seen.code, OK);
			if (method === "UnaryCall") { // servers need not echo in the others
				assert.equal((seen.head || {})[HEAD], "test_initial_metadata_value");
				assert.deepEqual(Buffer.from(seen.trailers[TRAILER], "base64"), bytes);
			}
		}
	},
	async unimplemented_method(call) {
		assert.equal((await call("UnimplementedCall", {})).code, UNIMPLEMENTED);
	},
	async unimplemented_service(call) {
		assert.equal((await call("UnimplementedCall", {}, {}, () => {}, "UnimplementedService")).code, UNIMPLEMENTED);
	},
};

async function main(places) {
	for (const place of places) {
		const [url, client, names] = place.split(" ");
		const call = (method, request, metadata = {}, onMessage = () => {}, service = "TestService") =>
			clients[client](url, "/grpc.testing." + service + "/" + method, definition["grpc.testing." + service][method], request, metadata, onMessage);
		for (const name of names.split(",")) {
			try {
				await Promise.race([cases[name](call), new Promise((_, no) => setTimeout(no, 30000, new Error("too slow")).unref())]);
				console.log("ok " + name);
			} catch (e) {
				console.log("failed " + name + " of " + client + " at " + url + ": " + String(e.message).replaceAll("\n", " "));
			}
		}
	}
}

main(process.argv.slice(3)).then(() => process.exit(0));
