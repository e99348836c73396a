// A telephone and a provider, as small as they can be: UDP on the loopback, one call at a time, PCMU, no sound of their own.
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";

const md5 = (text) => createHash("md5").update(text).digest("hex");
const proof = ({ user, secret, realm, nonce, method, uri, rest }) =>
  md5([md5(`${user}:${realm}:${secret}`), nonce, ...rest, md5(`${method}:${uri}`)].join(":"));
const part = (field, name) => field?.match(new RegExp(`[ ,]${name}="?([^",]+)`))?.[1];

/** A socket that speaks SIP and answers calls. */
class Station {
  #waits = [];
  #number = 1;
  calls = [];

  async open() {
    this.socket = createSocket("udp4").on("message", (bytes, from) => this.#receive(String(bytes), from));
    this.sound = createSocket("udp4");
    for (const socket of [this.socket, this.sound]) {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
    }
    this.port = this.socket.address().port;
    return this;
  }

  close() {
    this.socket.close();
    this.sound.close();
  }

  get place() { return `127.0.0.1:${this.port}`; }

  #receive(text, from) {
    const [head, body] = text.split("\r\n\r\n");
    const [line, ...rest] = head.split("\r\n");
    const fields = rest.map((field) => field.split(/: ?(.*)/s)).map(([name, value]) => [name.toLowerCase(), value]);
    const all = (name) => fields.filter(([key]) => key === name).map(([, value]) => value);
    const message = { line, method: line.split(" ")[0], body, from, all, get: (name) => all(name)[0] };
    const waiting = this.#waits.findIndex((wait) => wait.wants(message));
    if (waiting >= 0) this.#waits.splice(waiting, 1)[0].resolve(message);
    if (message.method !== "SIP/2.0") this.#answer(message);
  }

  /** The next message of this kind. */
  next(wants) {
    return new Promise((resolve) => this.#waits.push({ wants, resolve }));
  }

  #answer(request) {
    const call = this.calls.find((one) => one.get("call-id") === request.get("call-id"));
    switch (request.method) {
      case "ACK": break;
      case "REGISTER": this.register(request); break;
      case "INVITE":
        if (!call) this.calls.push(request);
        this.reply(request, "180 Ringing");
        this.reply(request, "200 OK", this.#offer());
        break;
      case "BYE":
        this.reply(request, "200 OK");
        this.calls = this.calls.filter((one) => one !== call);
        break;
      default: this.reply(request, "200 OK");
    }
  }

  register(request) { this.reply(request, "405 Method Not Allowed"); }

  #offer() {
    const sdp = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${this.sound.address().port} RTP/AVP 0\r\n`;
    return [`Contact: <sip:${this.place}>`, "Content-Type: application/sdp", `Content-Length: ${sdp.length}`, "", sdp];
  }

  reply(request, status, more = ["Content-Length: 0", "", ""]) {
    const to = request.get("to"), tagged = /;tag=/.test(to) || status.startsWith("100") ? to : `${to};tag=e2e`;
    const lines = [`SIP/2.0 ${status}`, ...request.all("via").map((via) => `Via: ${via}`), `From: ${request.get("from")}`, `To: ${tagged}`,
      `Call-ID: ${request.get("call-id")}`, `CSeq: ${request.get("cseq")}`, ...more];
    this.socket.send(lines.join("\r\n"), request.from.port, request.from.address);
  }

  send(port, method, uri, fields) {
    const id = this.#number++;
    const lines = [`${method} ${uri} SIP/2.0`, `Via: SIP/2.0/UDP ${this.place};branch=z9hG4bK${this.port}x${id}`, "Max-Forwards: 70", ...fields,
      `CSeq: ${id} ${method}`, `Contact: <sip:phone@${this.place}>`, "Content-Length: 0", "", ""];
    const answered = this.next((message) => message.method === "SIP/2.0" && message.get("cseq") === `${id} ${method}` && !message.line.includes(" 1"));
    this.socket.send(lines.join("\r\n"), port, "127.0.0.1");
    return answered;
  }

  /** Ends the call that it is in. */
  async hangUp() {
    const call = this.calls.pop();
    const uri = call.get("contact").match(/<([^>]+)>/)[1];
    await this.send(call.from.port, "BYE", uri, [`From: ${call.get("to")};tag=e2e`, `To: ${call.get("from")}`, `Call-ID: ${call.get("call-id")}`]);
  }
}

/** Takes whoever knows the password, and whatever number is dialled. */
export class Provider extends Station {
  user = "100000_box";
  secret = "a good secret";

  register(request) {
    const given = request.get("authorization");
    if (!given) {
      this.reply(request, "401 Unauthorized", ['WWW-Authenticate: Digest realm="e2e", nonce="once"', "Content-Length: 0", "", ""]);
      return;
    }
    const uri = part(given, "uri");
    const right = proof({ user: this.user, secret: this.secret, realm: "e2e", nonce: "once", method: "REGISTER", uri, rest: [] });
    const known = part(given, "username") === this.user && part(given, "response") === right;
    const contact = [`Contact: ${request.get("contact")};expires=300`, "Content-Length: 0", "", ""];
    this.reply(request, known ? "200 OK" : "403 Forbidden", known ? contact : undefined);
  }
}

/** Picks up whatever rings. */
export class Phone extends Station {
  async registerAt(port, user, secret) {
    const uri = `sip:127.0.0.1:${port}`, us = `<sip:${user}@127.0.0.1>`;
    const fields = [`From: ${us};tag=${this.port}`, `To: ${us}`, `Call-ID: e2e-${this.port}`, "Expires: 300"];
    const asked = (await this.send(port, "REGISTER", uri, fields)).get("www-authenticate");
    const [realm, nonce] = [part(asked, "realm"), part(asked, "nonce")];
    const response = proof({ user, secret, realm, nonce, method: "REGISTER", uri, rest: ["00000001", "e2e", "auth"] });
    const proved = `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=00000001, cnonce="e2e", response="${response}"`;
    const { line } = await this.send(port, "REGISTER", uri, [...fields, proved]);
    if (!line.includes(" 200 ")) throw new Error(`the phone was not taken: ${line}`);
  }
}
