// SPDX-License-Identifier: MIT OR Apache-2.0
// gRPC's published interoperability cases with @grpc/grpc-js on either side of a gateway, in the messages of tests/e2e/grpc/trial.proto.
// `server PORT KEY CERT PORT`: in clear text and over TLS, until its input ends. `client CA "KIND HOST:PORT BACK"...`: a line "ok NAME" or
// "failed NAME: why" for each case; KIND is h2c or h2, BACK goes into the metadata, for routing.
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const proto = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, "../../e2e/grpc/trial.proto"), {keepCase: true, longs: Number, defaults: true})).toron.trial;
const UP = [27182, 8, 1828, 45904], DOWN = [31415, 9, 2653, 58979];
const HEAD = "x-echo-initial", TRAILER = "x-echo-trailing-bin";
const pause = ms => new Promise(yes => setTimeout(yes, ms));

// ---- the server ----

let cancelled = 0;

function begin(call) {
	const trailers = new grpc.Metadata(), head = new grpc.Metadata();
	call.on("cancelled", () => { cancelled++; });
	call.metadata.get(HEAD).forEach(v => head.set(HEAD, v));
	call.metadata.get(TRAILER).forEach(v => trailers.set(TRAILER, v));
	call.sendMetadata(head);
	return trailers;
}

const wrong = (wish, metadata) => ({code: wish.code, details: wish.text, metadata});
const result = wish => ({payload: Buffer.alloc(wish.size)});
const service = {
	Empty(call, done) {
		done(null, {}, begin(call));
	},
	async Unary(call, done) {
		const trailers = begin(call), wish = call.request;
		await pause(wish.delay_ms);
		if (wish.code !== 0)
			done(wrong(wish, trailers));
		else if (wish.text === "cancelled")
			done(null, {total: cancelled}, trailers);
		else
			done(null, result(wish), trailers);
	},
	Upload(call, done) {
		const trailers = begin(call);
		let total = 0;
		call.on("data", wish => { total += wish.payload.length; });
		call.on("end", () => done(null, {total}, trailers));
	},
	async Download(call) {
		begin(call);
		for (let at = 0; at < call.request.payload.length; at += 4)
			call.write(result({size: call.request.payload.readUInt32BE(at)}));
		call.end();
	},
	Talk(call) {
		const trailers = begin(call);
		let answered = Promise.resolve(true); // false: with an error, the last answer
		const answer = async wish => {
			await pause(wish.delay_ms);
			if (wish.code !== 0)
				call.emit("error", wrong(wish, trailers));
			else
				call.write(result(wish));
			return wish.code === 0;
		};
		call.on("data", wish => { answered = answered.then(more => more && answer(wish)); });
		call.on("end", () => answered.then(more => more && call.end(trailers)));
	},
};

function serve(clear, key, cert, secure) {
	const pair = {private_key: fs.readFileSync(key), cert_chain: fs.readFileSync(cert)};
	for (const [port, how] of [[clear, grpc.ServerCredentials.createInsecure()], [secure, grpc.ServerCredentials.createSsl(null, [pair])]]) {
		const server = new grpc.Server({"grpc.max_receive_message_length": -1});
		server.addService(proto.Trial.service, service);
		server.bindAsync("127.0.0.1:" + port, how, e => { if (e) throw e; });
	}
	process.stdin.resume().on("end", () => process.exit(0));
}

// ---- the client ----

let meta = null; // of all calls to one place
const soon = () => ({deadline: Date.now() + 20000});
const unary = (stub, name, request, m = meta()) => new Promise(yes => {
	const seen = {};
	const over = part => {
		Object.assign(seen, part);
		if ("status" in seen && "value" in seen)
			yes(seen);
	};
	stub[name](request, m, soon(), (_, value) => over({value})).on("metadata", h => { seen.head = h; }).on("status", status => over({status}));
});

/* A call of many answers: those that came, and the status. */
function many(call) {
	const seen = {sizes: []};
	call.on("metadata", h => { seen.head = h; });
	call.on("data", r => { seen.sizes.push(r.payload.length); call.emit("answer"); });
	call.on("error", () => {});
	seen.status = new Promise(yes => call.on("status", yes));
	seen.next = () => new Promise(yes => call.once("answer", yes));
	return seen;
}

async function isTold(stub, before) {
	for (let i = 0; i < 100; i++) {
		if ((await unary(stub, "Unary", {text: "cancelled"})).value.total > before)
			return;
		await pause(50);
	}
	assert.fail("the server has not learned that the call is over");
}
const told = async stub => (await unary(stub, "Unary", {text: "cancelled"})).value.total;

const cases = {
	async empty_unary(stub) {
		assert.equal((await unary(stub, "Empty", {})).status.code, 0);
	},
	async large_unary(stub) {
		const s = await unary(stub, "Unary", {size: 314159, payload: Buffer.alloc(271828)});
		assert.equal(s.value.payload.length, 314159);
	},
	async client_streaming(stub) {
		const total = await new Promise((yes, no) => {
			const call = stub.Upload(meta(), soon(), (e, value) => e ? no(e) : yes(value.total));
			UP.forEach(n => call.write({payload: Buffer.alloc(n)}));
			call.end();
		});
		assert.equal(total, 74922);
	},
	async server_streaming(stub) {
		const sizes = Buffer.alloc(16);
		DOWN.forEach((n, i) => sizes.writeUInt32BE(n, 4 * i));
		const seen = many(stub.Download({payload: sizes}, meta(), soon()));
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, DOWN);
	},
	async ping_pong(stub) {
		const call = stub.Talk(meta(), soon()), seen = many(call);
		for (let i = 0; i < 4; i++) {
			const next = seen.next();
			call.write({size: DOWN[i], payload: Buffer.alloc(UP[i])});
			await next;
		}
		call.end();
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, DOWN);
	},
	async empty_stream(stub) {
		const call = stub.Talk(meta(), soon()), seen = many(call);
		call.end();
		assert.equal((await seen.status).code, 0);
		assert.deepEqual(seen.sizes, []);
	},
	async cancel_after_begin(stub) {
		const before = await told(stub);
		const status = await new Promise(yes => {
			const call = stub.Upload(meta(), soon(), () => {});
			call.on("status", yes);
			// The server sends its head at once: then it knows of the call.
			call.on("metadata", () => call.cancel());
			call.write({payload: Buffer.alloc(1)});
		});
		assert.equal(status.code, grpc.status.CANCELLED);
		await isTold(stub, before);
	},
	async cancel_after_first_response(stub) {
		const before = await told(stub), call = stub.Talk(meta(), soon()), seen = many(call), next = seen.next();
		call.write({size: 31415, payload: Buffer.alloc(27182)});
		await next;
		call.cancel();
		assert.equal((await seen.status).code, grpc.status.CANCELLED);
		await isTold(stub, before);
	},
	async timeout_on_sleeping_server(stub) {
		const call = stub.Talk(meta(), {deadline: Date.now() + 300}), seen = many(call);
		call.write({size: 1, delay_ms: 3000, payload: Buffer.alloc(27182)});
		assert.equal((await seen.status).code, grpc.status.DEADLINE_EXCEEDED);
	},
	async status_code_and_message(stub) {
		const wish = {code: 2, text: "test status message"};
		const s = (await unary(stub, "Unary", wish)).status;
		assert.deepEqual([s.code, s.details], [2, wish.text]);
		const call = stub.Talk(meta(), soon()), seen = many(call);
		call.write(wish);
		call.end();
		const t = await seen.status;
		assert.deepEqual([t.code, t.details], [2, wish.text]);
	},
	async special_status_message(stub) {
		const text = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n%";
		const s = (await unary(stub, "Unary", {code: 2, text})).status;
		assert.deepEqual([s.code, s.details], [2, text]);
	},
	async custom_metadata(stub) {
		const m = meta(), bytes = Buffer.from([10, 11, 10, 11, 10, 11, 255, 0]);
		m.set(HEAD, "test_initial_metadata_value");
		m.set(TRAILER, bytes);
		const call = stub.Talk(m, soon()), seen = many(call), next = seen.next();
		call.write({size: 1});
		await next;
		call.end();
		for (const s of [await unary(stub, "Unary", {size: 314159, payload: Buffer.alloc(271828)}, m), {head: seen.head, status: await seen.status}]) {
			assert.deepEqual(s.head.get(HEAD), ["test_initial_metadata_value"]);
			assert.deepEqual(s.status.metadata.get(TRAILER), [bytes]);
		}
	},
	async unimplemented_method(stub) {
		assert.equal((await unary(stub, "Unimplemented", {})).status.code, grpc.status.UNIMPLEMENTED);
	},
	async unimplemented_service(_, absent) {
		assert.equal((await unary(absent, "Empty", {})).status.code, grpc.status.UNIMPLEMENTED);
	},
};

async function main(ca, places) {
	for (const place of places) {
		const [kind, target, back] = place.split(" ");
		const how = kind === "h2" ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure();
		const options = {"grpc.max_receive_message_length": -1, "grpc.enable_retries": 0};
		const stub = new proto.Trial(target, how, options), absent = new proto.Absent(target, how, options);
		meta = () => { const m = new grpc.Metadata(); m.set("x-back", back); return m; };
		for (const [name, check] of Object.entries(cases)) {
			try {
				await Promise.race([check(stub, absent), pause(30000).then(() => assert.fail("too slow"))]);
				console.log("ok " + name);
			} catch (e) {
				console.log("failed " + name + " at " + place + ": " + String(e.message).replaceAll("\n", " "));
			}
		}
		stub.close();
		absent.close();
	}
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === "server")
	serve(...rest);
else
	main(rest[0], rest.slice(1)).then(() => process.exit(0));
