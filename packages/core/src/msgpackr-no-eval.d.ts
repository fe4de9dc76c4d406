// The build of msgpackr without generated code; the package has types for its main build only.
declare module "msgpackr/index-no-eval" {
  export { addExtension, Packr, Unpackr } from "msgpackr";
}
