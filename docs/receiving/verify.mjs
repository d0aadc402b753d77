// A receiver, with what Node has built in: WEBHOOK_SECRET=whsec_… node verify.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const INBOX = process.env.INBOX ?? "inbox";
const TOLERANCE = 5 * 60; // seconds that the clocks may differ, and an attempt be old
const LARGEST = 1024 * 1024; // bytes

if (KEY.length === 0) throw new Error("WEBHOOK_SECRET is empty"); // anybody could sign

// Whether the body, as it came, is signed with our secret, and not long ago.
function verify(headers, body, now) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (id === "" || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp)) > TOLERANCE) return false;
  const hmac = createHmac("sha256", KEY).update(`${id}.${timestamp}.`).update(body);
  const expected = Buffer.from("v1," + hmac.digest("base64"));
  // While a secret is exchanged there are two signatures. One that fits is enough.
  return (headers["webhook-signature"] ?? "")
    .split(" ")
    .map((each) => Buffer.from(each))
    .some((each) => each.length === expected.length && timingSafeEqual(each, expected));
}

// False if it came before. The folder stands for a table: INSERT … ON CONFLICT DO NOTHING.
async function store(id, body) {
  try {
    await writeFile(join(INBOX, id), body, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

// The raw body: written anew it would have another signature. Null if it is too large.
async function read(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function receive(request) {
  if (request.method !== "POST") return 405;
  const body = await read(request);
  if (body === null) return 413;
  if (!verify(request.headers, body, Date.now() / 1000)) return 401;
  const id = request.headers["webhook-id"];
  if (await store(id, body)) console.log("stored", id);
  return 204; // stored is enough: the work on it is done afterwards, by something else
}

await mkdir(INBOX, { recursive: true });
createServer(async (request, response) => {
  // If it could not be stored: not 2xx, so it comes again.
  const status = await receive(request).catch((error) => (console.error(error), 500));
  response.writeHead(status).end();
}).listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
