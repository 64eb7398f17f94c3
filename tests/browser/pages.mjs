// Every page that can be looked at, in one table: a new page gets a line here, or `every page is in the table` fails.
//
// `route` is what the router has; `at` the address, made from what happened in the house (`state`); `who` looks: `guest`,
// `staff`, `admin` or `nobody`. Where looking is not enough, `then` brings the page about.
const type = (values) => async (person) => {
  for (const [label, value] of Object.entries(values)) await person.getByLabel(label, { exact: true }).fill(value);
};
// A button that leads to a page.
const press = (name) => async (person) => {
  const comes = person.waitForEvent("domcontentloaded");
  await person.getByRole("button", { name, exact: true }).first().click();
  await comes;
};
const open = (name) => (person) => person.locator("summary", { hasText: name }).first().click();
const each = (...steps) => async (person) => { for (const step of steps) await step(person); };

export const PAGES = [
  // Behind a link.
  { name: "activate", route: "/i/{token}", who: "nobody", at: ({ link }) => link },
  { name: "activate-faults", route: "/i/{token}", who: "nobody", at: ({ link }) => link,
    then: each(type({ "Your name": "", "Choose a password": "12345678" }), press("Open the account")) },
  { name: "waiting", route: "/i/{token}", who: "nobody", at: ({ waits }) => waits,
    then: each(type({ "Your name": "Ada Pohl", "Choose a password": "seven brown kettles sing" }), press("Open the account")) },
  { name: "used", route: "/i/{token}", who: "nobody", at: ({ used }) => used, status: 410 },
  { name: "withdrawn", route: "/i/{token}", who: "nobody", at: ({ withdrawn }) => withdrawn, status: 410 },
  { name: "unknown", route: "/i/{token}", who: "nobody", at: () => "/i/abcdefghijklmnopqrstuvwxyz", status: 404 },
  { name: "verify", route: "/verify/{word}", who: "nobody", at: ({ verify }) => verify },
  { name: "verified", route: "/verify/{word}", who: "nobody", at: ({ verified }) => verified },
  { name: "approval-over", route: "/r/{word}", who: "nobody", at: () => "/r/abcdefghijklmnopqrstuvwxyz", status: 404 },

  { name: "join-unknown", route: "/join/{id}", who: "staff", at: () => "/join/0", status: 404 },
  { name: "takeover-unknown", route: "/t/{word}", who: "staff", at: () => "/t/abcdefghijklmnopqrstuvwxyz", status: 404 },

  // At the door.
  { name: "sign-in", route: "/sign-in", who: "nobody", at: () => "/sign-in" },
  { name: "sign-in-fault", route: "/sign-in", who: "nobody", at: () => "/sign-in",
    then: each(type({ Address: "nobody@partner.example", Password: "not this one" }), press("Sign in")) },
  { name: "forgotten", route: "/forgotten", who: "nobody", at: () => "/forgotten" },
  { name: "forgotten-fault", route: "/forgotten", who: "nobody", at: () => "/forgotten", then: press("Send the mail") },
  { name: "forgotten-sent", route: "/forgotten", who: "nobody", at: () => "/forgotten",
    then: each(type({ Address: "stranger@partner.example" }), press("Send the mail")) },
  { name: "reset", route: "/reset/{word}", who: "nobody", at: ({ reset }) => reset },
  { name: "reset-fault", route: "/reset/{word}", who: "nobody", at: ({ reset }) => reset,
    then: each(type({ "New password": "12345678" }), press("Set the password")) },
  { name: "reset-over", route: "/reset/{word}", who: "nobody", at: () => "/reset/abcdefghijklmnopqrstuvwxyz", status: 410 },
  { name: "not-found", route: "/", who: "nobody", at: () => "/there-is-no-such-page", status: 404 },
  { name: "not-yours", route: "/invite", who: "guest", at: () => "/invite", status: 403 },
  { name: "no-admin", route: "/admin", who: "staff", at: () => "/admin", status: 403 },
  { name: "no-right", route: "/invite", who: "clerk", at: () => "/invite", status: 403 },

  // Guests.
  { name: "dropoff", route: "/dropoff", who: "guest", at: () => "/dropoff" },
  { name: "dropoff-faults", route: "/dropoff", who: "guest", at: () => "/dropoff", then: press("Send") },
  { name: "dropoff-files", route: "/dropoff", who: "guest", at: () => "/dropoff",
    then: (person) => person.getByLabel("Files", { exact: true }).setInputFiles([
      { name: "Ground plan of the east wing, second storey.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(300_000) },
      { name: "roof.jpg", mimeType: "image/jpeg", buffer: Buffer.alloc(12_000) },
    ]) },
  { name: "dropoff-begun", route: "/dropoff/{id}", who: "guest", at: ({ begun }) => begun },
  { name: "dropoff-discard", route: "/dropoff/{id}", who: "guest", at: ({ begun }) => begun, then: open("Discard") },
  { name: "sent", route: "/dropoff/sent", who: "guest", at: () => "/dropoff/sent?sent" },
  { name: "sent-empty", route: "/dropoff/sent", who: "newcomer", at: () => "/dropoff/sent" },
  { name: "account-guest", route: "/account", who: "guest", at: () => "/account" },
  { name: "account-faults", route: "/account", who: "guest", at: () => "/account",
    then: each(type({ "Present password": "wrong", "New password": "12345678" }), press("Change the password")) },

  // Staff.
  { name: "invite", route: "/invite", who: "staff", at: () => "/invite" },
  { name: "invite-faults", route: "/invite", who: "staff", at: () => "/invite",
    then: each(type({ To: "kim@partner.example; lee@partner.example", Subject: "", Message: "" }), press("Send")) },
  { name: "invited", route: "/invite/{id}", who: "staff", at: ({ receipt }) => receipt },
  { name: "invitations", route: "/invitations", who: "staff", at: () => "/invitations" },
  { name: "invitations-empty", route: "/invitations", who: "clerk", at: () => "/invitations" },
  { name: "invitation", route: "/invitations/{id}", who: "staff", at: ({ invitation }) => invitation },
  { name: "received", route: "/received", who: "staff", at: () => "/received" },
  { name: "received-empty", route: "/received", who: "clerk", at: () => "/received" },
  { name: "package", route: "/received/{id}", who: "staff", at: ({ received }) => received },
  { name: "package-forward", route: "/received/{id}", who: "staff", at: ({ received }) => received,
    then: each(open("Forward"), type({ Address: "nobody" }), press("Forward")) },
  { name: "guests", route: "/guests", who: "staff", at: () => "/guests" },
  { name: "account-staff", route: "/account", who: "staff", at: () => "/account" },

  // Administrators.
  { name: "admin", route: "/admin", who: "admin", at: () => "/admin" },
  { name: "admin-people", route: "/admin/people", who: "admin", at: () => "/admin/people" },
  { name: "admin-switches", route: "/admin/switches", who: "admin", at: () => "/admin/switches" },
  { name: "admin-queue", route: "/admin/queue", who: "admin", at: () => "/admin/queue" },
  { name: "admin-queue-unknown", route: "/admin/queue/{id}", who: "admin", at: () => "/admin/queue/0", status: 404 },
  { name: "admin-invitations", route: "/admin/invitations", who: "admin", at: () => "/admin/invitations" },
  { name: "admin-invitation", route: "/admin/invitations/{id}", who: "admin", at: ({ invitation }) => `/admin${invitation}` },
  { name: "admin-dropoffs", route: "/admin/dropoffs", who: "admin", at: () => "/admin/dropoffs" },

  // The demo's mailbox.
  { name: "mailbox", route: "/mailbox/{word}", who: "nobody", at: ({ mailbox }) => mailbox },
  { name: "letter", route: "/mailbox/{word}/{letter}", who: "nobody", at: ({ letter }) => letter },
  { name: "letter-source", route: "/mailbox/{word}/{letter}/{view}", who: "nobody", at: ({ letter }) => `${letter}/source` },
];

// What the router answers a GET with that is no page to look at.
export const NO_PAGES = [
  "/style.css", "/postern.js", "/logo.svg", "/healthz", "/saml/metadata", "/saml/slo",
  "/received/{id}/zip", "/received/{id}/files/{number}", "/mailbox/{word}/{letter}/html",
  // Back to the page whose form posts there.
  "/i/{token}/renewal", "/i/{token}/again", "/account/name", "/account/password", "/account/language", "/account/sign-out-everywhere", "/account/delete",
];
