import js from "@eslint/js";

export default [
  { ignores: [".cache/", "dist/"] },
  js.configs.recommended,
  {
    rules: { eqeqeq: "error", "prefer-const": "error" },
  },
];
