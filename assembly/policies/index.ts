/** The registry: one line a policy, in the order in which `clockhand list policies` shows them. */

import "./fifo";
import "./lru";
import "./clock";
import "./nru";
import "./random";
import "./opt";
import "./mru";
import "./lfu";
import "./aging";
import "./lru_k";
import "./slru";
import "./2q";
import "./mq";
import "./arc";
import "./car";
import "./lirs";
import "./clock_pro";
import "./ws_clock";
import "./sieve";
import "./s3_fifo";
import "./w_tinylfu";
import "./lecar";
import "./hyperbolic";
import "./linux";
import "./mglru";
