import { parse } from "smol-toml";

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {number} price in cents
 * @property {number} stock
 */

/**
 * Reads a catalogue: TOML with a table `[[item]]` for each of the goods.
 *
 * @param {string} text
 * @returns {Item[]}
 */
export function read(text) {
  const { item: items = [] } = parse(text);
  if (!Array.isArray(items)) {
    throw new TypeError("`item` is not a list of tables");
  }
  return items.map(toItem);
}

/**
 * The goods that can be sold, the cheapest first.
 *
 * @param {readonly Item[]} items
 * @returns {Item[]}
 */
export function inStock(items) {
  return items
    .filter((item) => item.stock > 0)
    .sort((one, other) => one.price - other.price);
}

/**
 * @param {unknown} value
 * @param {number} index
 * @returns {Item}
 */
function toItem(value, index) {
  const { name, price, stock } = /** @type {Record<string, unknown>} */ (value);
  if (
    typeof name !== "string" ||
    typeof price !== "number" ||
    typeof stock !== "number"
  ) {
    throw new TypeError(`item ${index + 1} wants a name, a price and a stock`);
  }
  return { name, price, stock };
}
