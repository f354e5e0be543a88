// Programs in other languages are imported as texts: `import program from "./x.sh" with { type: "text" }`. esbuild knows
// that; vitest.config.ts teaches it to the tests. A file `x.cjs` has its own `x.d.cts`.

declare module "*.sh" {
  const text: string;
  export default text;
}

declare module "*.pl" {
  const text: string;
  export default text;
}
