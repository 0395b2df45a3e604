import js from "@eslint/js";

export default [
  { ignores: [".cache/", "dist/"] },
  js.configs.recommended,
  {
    languageOptions: { globals: { URL: "readonly" } },
    rules: { eqeqeq: "error", "prefer-const": "error" },
  },
];
