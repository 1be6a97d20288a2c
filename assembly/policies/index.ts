/** The registry: one line a policy, in the order in which `clockhand list policies` shows them. */

import "./fifo";
import "./lru";
import "./clock";
import "./nru";
import "./arc";
import "./car";
import "./w_tinylfu";
import "./lecar";
import "./random";
import "./opt";
