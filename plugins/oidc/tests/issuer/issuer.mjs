// A certified provider (node-oidc-provider) on loopback, with its own sign-in pages: node issuer.mjs PORT ALGORITHM [REDIRECT].
// Port 0: any. REDIRECT: the one redirect URI of the public client "doorward-demo". New keys at every start. Prints `ready PORT`; ends when its input does.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import http from "node:http";
import { once } from "node:events";
import Provider from "oidc-provider";

const [port, algorithm] = [Number(process.argv[2]), process.argv[3]];
const pair = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
}[algorithm]();
const key = { ...pair.privateKey.export({ format: "jwk" }), use: "sig", alg: algorithm };

const demo = process.argv.slice(4, 5).map((redirect) => ({
    client_id: "doorward-demo",
    token_endpoint_auth_method: "none",
    redirect_uris: [redirect],
    response_types: ["code"],
    id_token_signed_response_alg: algorithm,
}));

const server = http.createServer();
server.listen(port, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;
console.error = console.warn = console.info = () => {}; // it warns of all that is for development

const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(32).toString("hex")] },
    clients: ["shop", "shelf"].map((name) => ({
        client_id: name,
        client_secret: "s3cret:%",
        redirect_uris: ["https://app.example/callback"],
        response_types: ["code"],
        id_token_signed_response_alg: algorithm,
    })).concat(demo),
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    conformIdTokenClaims: false, // claims of a scope stand in the ID token, too
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id.toUpperCase() }),
    }),
});
server.on("request", provider.callback());
console.log(`ready ${server.address().port}`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
