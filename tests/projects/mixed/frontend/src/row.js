import { clsx } from "clsx";

/**
 * A price in cents as a customer reads it.
 *
 * @param {number} cents
 * @returns {string}
 */
export function price(cents) {
  return `€ ${(cents / 100).toFixed(2)}`;
}

/**
 * The table row of one article.
 *
 * @param {{ name: string, price: number, stock: number }} article
 * @returns {string}
 */
export function row(article) {
  const classes = clsx("article", { "sold-out": article.stock === 0 });
  return `<tr class="${classes}"><td>${escape(article.name)}</td><td>${price(article.price)}</td></tr>`;
}

/**
 * @param {string} text
 * @returns {string}
 */
function escape(text) {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
