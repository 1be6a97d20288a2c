/** What `--as` says of the text formats. */

import { TEXT_FORMATS } from "../run/text_formats.ts";

export const TEXT_FORMATS_HELP = TEXT_FORMATS.map(({ name, summary }) => `${name}: ${summary}`).join("; ");
