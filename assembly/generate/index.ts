/** The registry of patterns: one line each. */

import "./sequential";
import "./strided";
import "./uniform";
import "./zipf";
import "./loop";
import "./phases";
import "./pointer_chase";
import "./stack_distance";
