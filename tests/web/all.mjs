// Every test of the pages, in one process and one browser.
import "./every_page/serving.mjs";
import "./every_page/sorting.mjs";
import "./every_page/logging_in.mjs";
import "./operators/finding.mjs";
import "./provisioning/contact_centers.mjs";
import "./provisioning/keys.mjs";
import "./provisioning/services.mjs";
import "./provisioning/numbers.mjs";
import "./provisioning/versions.mjs";
import "./operators/messages.mjs";
import "./operators/explaining.mjs";
import "./operators/pipeline.mjs";
import "./operators/destinations.mjs";
import "./operators/audit.mjs";
import "./phone/phone.mjs";
import "./every_page/safety.mjs";
import "./every_page/layout.mjs";
