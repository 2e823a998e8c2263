// Sign-in, second factor, step-up, passkeys: what the surface answers to them, for a handful of people.
import { randomBytes, randomUUID } from "node:crypto";

export const PASSWORD = "plum tractors hum at noon";
const METHODS = {
  email: { provider: "email", action: "verify", factor_class: "knowledge", fields: [{ name: "password", secret: true, max_len: 128 }] },
  totp: { provider: "totp", action: "verify", factor_class: "possession", fields: [{ name: "code", secret: true, max_len: 8, autocomplete: "one-time-code" }] },
};
const RESPONSE = [{ name: "response", secret: true, max_len: 16384, autocomplete: "webauthn" }];

export class Steps {
  users = new Map();
  flows = new Map();
  passkeys = [];
  /** How many flows a view of the sign-in page has left behind. */
  stored = 0;

  constructor(problem, now) {
    Object.assign(this, { problem, now });
    this.add("ada@example.com", "Ada");
    this.add("grace@example.com", "Grace", { needs: "totp" });
  }

  add(identifier, name, more = {}) {
    const user = { id: randomUUID(), identifier, attributes: { name }, handle: randomBytes(32).toString("base64url"), ...more };
    this.users.set(identifier, user);
    return user;
  }

  /** `{ user, factors }` where it is all proved, else the answer. */
  begin(purpose, { provider, identifier, fields }, rpId, known) {
    if (provider == "passkey") return this.#ask(purpose, known, rpId);
    const user = known ?? this.users.get(identifier);
    const right = provider == "totp" ? fields?.code == "123456" : fields?.password == PASSWORD;
    if (!user || !right || !METHODS[provider]) return this.problem("refused");
    if (purpose == "sign_in" && user.needs) return this.#flow(purpose, { user, factors: [provider] }, [METHODS[user.needs]]);
    return { user, factors: [provider], purpose };
  }

  next({ flow, provider, fields }) {
    const held = this.flows.get(flow);
    if (!held || this.now() > held.end) return this.problem("refused");
    this.flows.delete(flow);
    if (provider == "passkey") return this.#answered(held, JSON.parse(fields.response));
    if (fields?.code != "123456") return this.problem("refused", this.#flow(held.purpose, held, held.next).body);
    return { user: held.user, factors: [...held.factors, provider], purpose: held.purpose };
  }

  enroll(user, rpId) {
    const held = this.passkeys.filter((one) => one.user == user);
    const options = {
      rp: { id: rpId, name: "Doorward" },
      user: { id: user.handle, name: user.identifier, displayName: user.attributes.name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      excludeCredentials: held.map(({ id }) => ({ type: "public-key", id })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    };
    return this.#challenge("enroll", { user, factors: [] }, options, "enroll");
  }

  #ask(purpose, user, rpId) {
    const allowed = user ? this.passkeys.filter((one) => one.user == user) : [];
    const options = { rpId, userVerification: "required", allowCredentials: allowed.map(({ id }) => ({ type: "public-key", id })) };
    return this.#challenge(purpose, { user, factors: [] }, options, "step");
  }

  #challenge(purpose, held, options, action) {
    const challenge = randomBytes(32).toString("base64url");
    const method = { provider: "passkey", action, fields: RESPONSE, challenge: { options: JSON.stringify({ ...options, challenge }) } };
    return this.#flow(purpose, { ...held, challenge }, [method]);
  }

  #answered(held, { id, response }) {
    const said = JSON.parse(Buffer.from(response.clientDataJSON, "base64url"));
    if (said.challenge != held.challenge) return this.problem("refused");
    if (held.purpose == "enroll") {
      this.passkeys.push({ id, user: held.user, key: randomUUID() });
      return { purpose: "enroll" };
    }
    const found = this.passkeys.find((one) => one.id == id);
    return found ? { user: found.user, factors: ["passkey"], purpose: held.purpose } : this.problem("refused");
  }

  #flow(purpose, held, next) {
    const flow = `dwf_${randomBytes(12).toString("base64url")}`;
    const end = this.now() + 600_000;
    this.flows.set(flow, { ...held, purpose, next, end });
    if (held.user) this.stored++;
    return { status: 200, body: { outcome: "continue", flow, purpose, expires_at: new Date(end).toISOString(), next } };
  }
}
