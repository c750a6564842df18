// Drives the stand-in with an unmodified jsforce and prints what it saw as one JSON line.
const jsforce = require("jsforce");
const { url, clientId, clientSecret } = JSON.parse(process.argv[1]);

async function main() {
  const told = {};
  const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
  const signedIn = new jsforce.Connection({
    instanceUrl: url,
    oauth2: { clientId, clientSecret, loginUrl: url },
    version: "68.0",
  });
  await signedIn.authorize(form);
  const conn = new jsforce.Connection({ instanceUrl: signedIn.instanceUrl, accessToken: signedIn.accessToken, version: "68.0" });

  told.versions = (await conn.request("/services/data")).length;
  told.organization = (await conn.identity()).organization_id;
  told.described = (await conn.sobject("Lead").describe()).fields.some((field) => field.name === "Company");
  told.global = (await conn.describeGlobal()).sobjects.some((one) => one.name === "Event");

  const lead = { LastName: "Ångström", Company: "Nordlys", Email: "a'b@mail.example" };
  const made = await conn.sobject("Lead").create(lead);
  told.created = made.success;
  told.retrieved = (await conn.sobject("Lead").retrieve(made.id)).LastName;
  told.updated = (await conn.sobject("Lead").update({ Id: made.id, Title: "CTO" })).success;
  const found = await conn.sobject("Lead").find({ Email: "a'b@mail.example" }, "Id, Title");
  told.title = found[0].Title;
  told.found = found.length;

  const event = { StartDateTime: "2026-10-05T08:00:00Z", EndDateTime: "2026-10-05T08:30:00Z", Instep_Booking_Id__c: "B-1" };
  told.upserts = [];
  for (const subject of ["one", "two"]) {
    const answer = await conn.sobject("Event").upsert({ ...event, Subject: subject }, "Instep_Booking_Id__c");
    told.upserts.push(answer.created);
  }

  const many = await conn.sobject("Lead").create([lead, { Company: "x" }]);
  told.many = many.map((row) => row.success);
  told.manyCode = many[1].errors[0].statusCode;
  told.manyUpdated = (await conn.sobject("Lead").update([{ Id: many[0].id, Title: "x" }])).map((row) => row.success);
  const accounts = Array.from({ length: 450 }, (_, n) => ({ Name: `A${n}` }));
  await conn.sobject("Account").create(accounts, { allowRecursive: true });
  const all = await conn.query("SELECT Id FROM Account", { autoFetch: true, maxFetch: 1000, headers: { "Sforce-Query-Options": "batchSize=200" } });
  told.fetched = all.records.length;
  told.deleted = (await conn.sobject("Lead").destroy(made.id)).success;

  const code = (promise) => promise.then(() => "none", (error) => error.errorCode);
  told.refused = await code(conn.sobject("Lead").create({ Company: "x" }));
  told.malformed = await code(conn.query("SELECT Id FROM Lead WHERE Email = 'O'Brien'"));

  told.entity = (await conn.tooling.query("SELECT KeyPrefix FROM EntityDefinition WHERE QualifiedApiName = 'Lead'")).records[0].KeyPrefix;
  const types = (await conn.sobject("Account").describe()).recordTypeInfos;
  told.types = types.map((one) => one.developerName);
  const person = types.find((one) => one.developerName === "PersonAccount").recordTypeId;
  const account = await conn.sobject("Account").create({ RecordTypeId: person, LastName: "Hopper", PersonEmail: "g@navy.example" });
  const contact = (await conn.sobject("Account").retrieve(account.id)).PersonContactId;
  told.person = (await conn.sobject("Contact").retrieve(contact)).IsPersonAccount;
  const path = `/services/data/v68.0/ui-api/object-info/Account/picklist-values/${person}/Type`;
  told.picklist = (await conn.requestGet(path)).values.slice(0, 2).map((one) => one.value);
  told.owners = [];
  for (const headers of [{}, { "Sforce-Auto-Assign": "FALSE" }]) {
    const owned = await conn.sobject("Lead").create({ LastName: "Web", Company: "x" }, { headers });
    told.owners.push((await conn.sobject("Lead").retrieve(owned.id)).OwnerId.slice(0, 3));
  }
  const twin = { LastName: "Twin", Email: "twin@navy.example" };
  await conn.sobject("Contact").create(twin);
  told.duplicate = await code(conn.sobject("Contact").create(twin));
  told.saved = (await conn.sobject("Contact").create(twin, { headers: { "Sforce-Duplicate-Rule-Header": "allowSave=true" } })).success;
  told.limit = conn.limitInfo.apiUsage.limit;
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
