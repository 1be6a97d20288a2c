/* Programs that a test wants to find where a shell would. */

export { findProgram } from "../../src/run/record/programs.ts";
