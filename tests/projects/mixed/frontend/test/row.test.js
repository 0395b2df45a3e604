import assert from "node:assert/strict";
import { test } from "node:test";

import { price, row } from "../src/row.js";

test("a price has two digits of cents", () => {
  assert.equal(price(350), "€ 3.50");
  assert.equal(price(5), "€ 0.05");
});

test("an article that is sold out says so", () => {
  const html = row({ name: "tea", price: 350, stock: 0 });
  assert.match(html, /class="article sold-out"/);
});

test("a name cannot bring markup of its own", () => {
  const html = row({ name: "<b>tea", price: 350, stock: 1 });
  assert.doesNotMatch(html, /<b>/);
});
