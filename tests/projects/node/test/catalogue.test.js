import assert from "node:assert/strict";
import { test } from "node:test";

import { inStock, read } from "../src/catalogue.js";

test("a catalogue without items is empty", () => {
  assert.deepEqual(read(""), []);
});

test("every item is read", () => {
  const text = `
    [[item]]
    name = "tea"
    price = 350
    stock = 2
  `;
  assert.deepEqual(read(text), [{ name: "tea", price: 350, stock: 2 }]);
});

test("an item without a price is refused by its number", () => {
  assert.throws(() => read('[[item]]\nname = "tea"'), /item 1 wants/);
});

test("only goods in stock are listed, the cheapest first", () => {
  const items = [
    { name: "coffee", price: 900, stock: 1 },
    { name: "tea", price: 350, stock: 2 },
    { name: "cocoa", price: 500, stock: 0 },
  ];
  assert.deepEqual(
    inStock(items).map((item) => item.name),
    ["tea", "coffee"],
  );
});
