import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { inStock, read } from "../../src/catalogue.js";

test("the catalogue that is shipped can be sold from", async () => {
  const file = new URL("../../data/catalogue.toml", import.meta.url);
  const items = inStock(read(await readFile(file, "utf8")));
  assert.deepEqual(
    items.map((item) => item.name),
    ["rusk", "tea"],
  );
});
