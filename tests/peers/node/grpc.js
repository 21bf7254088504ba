// SPDX-License-Identifier: MIT OR Apache-2.0
// The service of gRPC's interoperability tests (tests/e2e/grpc/interop.proto) and its published cases, with @grpc/grpc-js.
// `server PORT KEY CERT PORT`: in clear text and over TLS, until its input ends; a line "cancelled" for each call that the client gives up.
// `client CA "KIND HOST:PORT CASE,CASE..."...`: a line "ok CASE" or "failed CASE at HOST:PORT: why" for each; KIND is h2c or h2.
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync(path.join(__dirname, "../../e2e/grpc/interop.proto"), {keepCase: true, longs: Number, defaults: true});
const proto = grpc.loadPackageDefinition(definition).grpc.testing;
const LARGE_UP = 271828, LARGE_DOWN = 314159;
const UP = [27182, 8, 1828, 45904], DOWN = [31415, 9, 2653, 58979];
const HEAD = "x-grpc-test-echo-initial", TRAILER = "x-grpc-test-echo-trailing-bin";
const pause = ms => new Promise(yes => setTimeout(yes, ms));
const payload = size => ({body: Buffer.alloc(size)});

// ---- the server ----

function begin(call) {
	const trailers = new grpc.Metadata(), head = new grpc.Metadata();
	call.on("cancelled", () => console.log("cancelled"));
	call.metadata.get(HEAD).forEach(v => head.set(HEAD, v));
	call.metadata.get(TRAILER).forEach(v => trailers.set(TRAILER, v));
	call.sendMetadata(head);
	return trailers;
}

const wrong = (wish, metadata) => wish && wish.code !== 0 ? {code: wish.code, details: wish.message, metadata} : null;

/* Answers to one request; false: the call has failed as wished. */
async function answer(call, request, trailers) {
	const error = wrong(request.response_status, trailers);
	if (error) {
		call.emit("error", error);
		return false;
	}
	for (const p of request.response_parameters) {
		await pause(p.interval_us / 1000);
		if (call.cancelled)
			return false;
		call.write({payload: payload(p.size)});
	}
	return true;
}

const service = {
	EmptyCall(call, done) {
		done(null, {}, begin(call));
	},
	UnaryCall(call, done) {
		const trailers = begin(call), error = wrong(call.request.response_status, trailers);
		if (error)
			done(error);
		else
			done(null, {payload: payload(call.request.response_size)}, trailers);
	},
	StreamingInputCall(call, done) {
		const trailers = begin(call);
		let total = 0;
		call.on("data", request => { total += request.payload.body.length; });
		call.on("end", () => done(null, {aggregated_payload_size: total}, trailers));
	},
	async StreamingOutputCall(call) {
		const trailers = begin(call);
		if (await answer(call, call.request, trailers))
			call.end(trailers);
	},
	FullDuplexCall(call) {
		const trailers = begin(call);
		let answered = Promise.resolve(true);
		call.on("data", request => { answered = answered.then(more => more && answer(call, request, trailers)); });
		call.on("end", () => answered.then(more => more && call.end(trailers)));
	},
	HalfDuplexCall(call) {
		const trailers = begin(call), requests = [];
		call.on("data", request => requests.push(request));
		call.on("end", async () => {
			for (const request of requests)
				if (!await answer(call, request, trailers))
					return;
			call.end(trailers);
		});
	},
};

function serve(clear, key, cert, secure) {
	const pair = {private_key: fs.readFileSync(key), cert_chain: fs.readFileSync(cert)};
	for (const [port, how] of [[clear, grpc.ServerCredentials.createInsecure()], [secure, grpc.ServerCredentials.createSsl(null, [pair])]]) {
		const server = new grpc.Server({"grpc.max_receive_message_length": -1});
		server.addService(proto.TestService.service, service);
		server.bindAsync("127.0.0.1:" + port, how, e => { if (e) throw e; });
	}
	process.stdin.resume().on("end", () => process.exit(0));
}

// ---- the client ----

const soon = () => ({deadline: Date.now() + 20000});
const streaming = (...sizes) => ({response_parameters: sizes.map(size => ({size}))});

/* What comes back of a call of one answer. */
const unary = (stub, name, request, metadata = new grpc.Metadata()) => new Promise(yes => {
	const seen = {};
	const over = part => {
		Object.assign(seen, part);
		if ("status" in seen && "value" in seen)
			yes(seen);
	};
	stub[name](request, metadata, soon(), (_, value) => over({value})).on("metadata", h => { seen.head = h; }).on("status", status => over({status}));
});

/* A call of many answers: the sizes of those that came, and the status. */
function many(call) {
	const seen = {sizes: []};
	call.on("metadata", h => { seen.head = h; });
	call.on("data", r => { seen.sizes.push(r.payload.body.length); call.emit("answer"); });
	call.on("error", () => {});
	seen.status = new Promise(yes => call.on("status", yes));
	seen.next = () => new Promise(yes => call.once("answer", yes));
	return seen;
}

const upload = (stub, sizes) => new Promise((yes, no) => {
	const call = stub.StreamingInputCall(soon(), (e, value) => e ? no(e) : yes(value.aggregated_payload_size));
	sizes.forEach(n => call.write({payload: payload(n)}));
	call.end();
});

const cases = {
	async empty_unary({stub}) {
		const s = await unary(stub, "EmptyCall", {});
		assert.equal(s.status.code, 0);
		assert.deepEqual(s.value, {});
	},
	async large_unary({stub}) {
		const s = await unary(stub, "UnaryCall", {response_size: LARGE_DOWN, payload: payload(LARGE_UP)});
		assert.equal(s.status.code, 0);
		assert.deepEqual(s.value.payload.body, Buffer.alloc(LARGE_DOWN));
	},
	async client_streaming({stub}) {
		assert.equal(await upload(stub, UP), 74922);
	},
	async server_streaming({stub}) {
		const seen = many(stub.StreamingOutputCall(streaming(...DOWN), soon()));
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, DOWN);
	},
	async ping_pong({stub}) {
		const call = stub.FullDuplexCall(soon()), seen = many(call);
		for (let i = 0; i < 4; i++) {
			const next = seen.next();
			call.write({...streaming(DOWN[i]), payload: payload(UP[i])});
			await next;
		}
		call.end();
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, DOWN);
	},
	async empty_stream({stub}) {
		const call = stub.FullDuplexCall(soon()), seen = many(call);
		call.end();
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, []);
	},
	async cancel_after_begin({stub}) {
		const status = await new Promise(yes => {
			const call = stub.StreamingInputCall(soon(), () => {});
			call.on("status", yes);
			call.cancel();
		});
		assert.equal(status.code, grpc.status.CANCELLED);
	},
	async cancel_after_first_response({stub}) {
		const call = stub.FullDuplexCall(soon()), seen = many(call), next = seen.next();
		call.write({...streaming(31415), payload: payload(27182)});
		await next;
		call.cancel();
		assert.equal((await seen.status).code, grpc.status.CANCELLED);
	},
	async timeout_on_sleeping_server({stub}) {
		for (const ms of [1, 300]) {
			const call = stub.FullDuplexCall({deadline: Date.now() + ms}), seen = many(call);
			call.write({response_parameters: [{size: 31415, interval_us: 3000000}], payload: payload(27182)});
			assert.equal((await seen.status).code, grpc.status.DEADLINE_EXCEEDED);
		}
	},
	async status_code_and_message({stub}) {
		const response_status = {code: 2, message: "test status message"};
		const s = (await unary(stub, "UnaryCall", {response_status})).status;
		assert.deepEqual([s.code, s.details], [2, response_status.message]);
		const call = stub.FullDuplexCall(soon()), seen = many(call);
		call.write({response_status});
		call.end();
		const t = await seen.status;
		assert.deepEqual([t.code, t.details], [2, response_status.message]);
	},
	async special_status_message({stub}) {
		const message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n";
		const s = (await unary(stub, "UnaryCall", {response_status: {code: 2, message}})).status;
		assert.deepEqual([s.code, s.details], [2, message]);
	},
	async custom_metadata({stub}) {
		const m = new grpc.Metadata(), bytes = Buffer.from([10, 11, 10, 11, 10, 11, 255, 0]);
		m.set(HEAD, "test_initial_metadata_value");
		m.set(TRAILER, bytes);
		const call = stub.FullDuplexCall(m, soon()), seen = many(call), next = seen.next();
		call.write({...streaming(LARGE_DOWN), payload: payload(LARGE_UP)});
		await next;
		call.end();
		const one = await unary(stub, "UnaryCall", {response_size: LARGE_DOWN, payload: payload(LARGE_UP)}, m);
		for (const s of [one, {head: seen.head, status: await seen.status}]) {
			assert.equal(s.status.code, 0);
			assert.deepEqual(s.head.get(HEAD), ["test_initial_metadata_value"]);
			assert.deepEqual(s.status.metadata.get(TRAILER), [bytes]);
		}
	},
	async unimplemented_method({stub}) {
		assert.equal((await unary(stub, "UnimplementedCall", {})).status.code, grpc.status.UNIMPLEMENTED);
	},
	async unimplemented_service({absent}) {
		assert.equal((await unary(absent, "UnimplementedCall", {})).status.code, grpc.status.UNIMPLEMENTED);
	},
	async client_compressed_unary({packing}) {
		await cases.large_unary({stub: packing});
	},
	async client_compressed_streaming({packing}) {
		assert.equal(await upload(packing, [27182, 45904]), 73086);
	},
	async server_compressed_unary({stub}) {
		for (const value of [true, false]) {
			const s = await unary(stub, "UnaryCall", {response_compressed: {value}, response_size: LARGE_DOWN, payload: payload(LARGE_UP)});
			assert.deepEqual(s.value.payload.body, Buffer.alloc(LARGE_DOWN));
		}
	},
	async server_compressed_streaming({stub}) {
		const parameters = [{size: 31415, compressed: {value: true}}, {size: 92653, compressed: {value: false}}];
		const seen = many(stub.StreamingOutputCall({response_parameters: parameters}, soon()));
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, [31415, 92653]);
	},
};

async function main(ca, places) {
	for (const place of places) {
		const [kind, target, names] = place.split(" ");
		const how = kind === "h2" ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure();
		const options = {"grpc.max_receive_message_length": -1, "grpc.enable_retries": 0, "grpc.use_local_subchannel_pool": 1};
		const packed = {...options, "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip};
		const stubs = {
			stub: new proto.TestService(target, how, options),
			packing: new proto.TestService(target, how, packed),
			absent: new proto.UnimplementedService(target, how, options),
		};
		for (const name of names.split(",")) {
			try {
				await Promise.race([cases[name](stubs), pause(30000).then(() => assert.fail("too slow"))]);
				console.log("ok " + name);
			} catch (e) {
				console.log("failed " + name + " at " + target + ": " + String(e.message).replaceAll("\n", " "));
			}
		}
		Object.values(stubs).forEach(stub => stub.close());
	}
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === "server")
	serve(...rest);
else
	main(rest[0], rest.slice(1)).then(() => process.exit(0));
