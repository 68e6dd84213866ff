// How the gateway serves the page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { url } from "../harness/nexus.mjs";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const get = (path, headers = {}, method = "GET") => fetch(url + path, { method, headers, redirect: "manual" });

async function script() {
  const html = await (await get("/admin/")).text();
  return /src="(\/admin\/assets\/[^"]+\.js)"/.exec(html)[1];
}

test("the page has a policy that allows only its own scripts and no frame around it", async () => {
  const answer = await get("/admin/");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(answer.headers.get("content-security-policy"), POLICY);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal(answer.headers.get("referrer-policy"), "same-origin");
  assert.equal(answer.headers.get("cache-control"), "no-cache");
  const html = await answer.text();
  assert.doesNotMatch(html, /<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/, "nothing is inline");
  assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//, "nothing is loaded from another host");
});

test("the address without the last slash redirects to the page", async () => {
  const answer = await get("/admin");
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.get("location"), "/admin/");
});

test("assets are cached for ever, under names that change with their content", async () => {
  const answer = await get(await script());
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("cache-control"), "public, max-age=31536000, immutable");
  assert.equal(answer.headers.get("content-type"), "text/javascript; charset=utf-8");
});

test("a browser that has the page gets 304 while it has not changed", async () => {
  for (const path of ["/admin/", await script()]) {
    const etag = (await get(path)).headers.get("etag");
    const again = await get(path, { "if-none-match": etag });
    assert.equal(again.status, 304);
    assert.equal(again.headers.get("etag"), etag);
    assert.equal(await again.text(), "");
    assert.equal((await get(path, { "if-none-match": '"another"' })).status, 200);
  }
});

test("HEAD answers like GET without the body", async () => {
  const answer = await get("/admin/", { "accept-encoding": "identity" }, "HEAD");
  const whole = await get("/admin/", { "accept-encoding": "identity" });
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "");
  assert.equal(answer.headers.get("content-length"), String((await whole.text()).length));
});

test("the script is compressed for browsers that accept this, and is the same script", async () => {
  const path = await script();
  const plain = await get(path, { "accept-encoding": "identity" });
  const compressed = await get(path, { "accept-encoding": "gzip" });
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(compressed.headers.get("content-encoding"), "gzip");
  assert.equal(compressed.headers.get("vary"), "accept-encoding");
  assert.ok(Number(compressed.headers.get("content-length")) < Number(plain.headers.get("content-length")) / 2);
  assert.equal(await compressed.text(), await plain.text());
});

test("a path without a file of the page is answered 404", async () => {
  for (const path of ["/admin/index.html", "/admin/assets/", "/admin/assets/x.js", "/admin/assets/..%2findex.html",
    "/admin/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/admin/src/main.tsx", "/admin//"]) {
    assert.equal((await get(path)).status, 404, path);
  }
  assert.equal((await get("/admin/", {}, "POST")).status, 405);
});

test("all scripts together are less than 100 KB", async () => {
  const bytes = Buffer.byteLength(await (await get(await script())).text());
  assert.ok(bytes < 100000, `${bytes} bytes`);
});
