/** The text formats whose lines say what they are, for the tests that all of them pass. */

import { address } from "./address.ts";
import { din } from "./din.ts";
import type { TextFormat } from "./format.ts";
import { lackey } from "./lackey.ts";
import { pinatrace, pinatraceWithFetches } from "./pinatrace.ts";
import { xdin } from "./xdin.ts";

export const TEXT_FORMATS: TextFormat[] = [lackey, din, xdin, address, pinatrace, pinatraceWithFetches];
