// Node's two HTTP clients as they come.
//
// Arguments: per request a URL, the body's file, and the size of its JSON or "". Prints per answer status, the size of
// its JSON or "-", and the body in base64.
import { readFileSync } from "node:fs";
import http from "node:http";
import { gzipSync } from "node:zlib";

const SIZE = "Inference-Header-Content-Length";

function viaHttp(url, headers, send) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", headers }, async (response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      resolve([response.statusCode, response.headers[SIZE.toLowerCase()], Buffer.concat(parts)]);
    });
    request.on("error", reject);
    send(request);
  });
}

async function viaFetch(url, headers, body) {
  const response = await fetch(url, { method: "POST", headers, body });
  return [response.status, response.headers.get(SIZE), Buffer.from(await response.arrayBuffer())];
}

for (let i = 2; i < process.argv.length; i += 3) {
  const [url, file, jsonSize] = process.argv.slice(i, i + 3);
  const body = readFileSync(file);
  const headers = jsonSize ? { [SIZE]: jsonSize } : {};
  const upgrade = { ...headers, Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" };
  const chunked = (request) => {
    request.write(body.subarray(0, 10));
    request.end(body.subarray(10));
  };
  const answers = [
    await viaFetch(url, headers, body),
    await viaFetch(url, { ...headers, "Content-Encoding": "gzip" }, gzipSync(body)),
    await viaHttp(url, headers, (request) => request.end(body)),
    await viaHttp(url, headers, chunked),
    await viaHttp(url, { ...headers, Expect: "100-continue" }, (request) => request.on("continue", () => request.end(body))),
    await viaHttp(url, upgrade, (request) => request.end(body)),
  ];
  for (const [status, size, answer] of answers) console.log(status, size ?? "-", answer.toString("base64"));
}
