// Every test of the pages, in one process and one browser.
import "./serving.mjs";
import "./sorting.mjs";
import "./logging_in.mjs";
import "./finding.mjs";
import "./contact_centers.mjs";
import "./keys.mjs";
import "./services.mjs";
import "./numbers.mjs";
import "./versions.mjs";
import "./messages.mjs";
import "./explaining.mjs";
import "./pipeline.mjs";
import "./destinations.mjs";
import "./audit.mjs";
import "./phone.mjs";
import "./safety.mjs";
import "./layout.mjs";
