/** esbuild takes style sheets into the bundle of styles. */
declare module "*.css";
