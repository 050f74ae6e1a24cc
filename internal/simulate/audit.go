package simulate

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// audited is what an audit row says.
type audited struct {
	key                                   string
	operation, kind, category, by         string
	initiator, targets, additional, agent string
}

// jsonText is compact JSON with its keys in order.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(text)
}

type object = map[string]any

// property is one modified property of an audit row; both values are JSON inside of a string.
func property(name string, before, after any) object {
	wrap := func(v any) any {
		if v == nil {
			return nil
		}
		return jsonText(v)
	}
	return object{"displayName": name, "oldValue": wrap(before), "newValue": wrap(after)}
}

// log writes an audit row of what somebody did, from a place; nobody is Entra itself.
func (h *hand) log(a audited, by *person, from place, at time.Time, targets ...object) {
	initiator := object{"app": object{"appId": nil, "displayName": a.by, "servicePrincipalId": h.w.tenantID, "servicePrincipalName": nil}}
	if by != nil {
		initiator = object{"user": object{"id": by.id, "displayName": nil, "userPrincipalName": by.upn, "ipAddress": from.address, "roles": []string{}}}
	}
	list := make([]object, 0, len(targets))
	for _, t := range targets {
		if t["modifiedProperties"] == nil {
			t["modifiedProperties"] = []object{}
		}
		t["administrativeUnits"] = []string{}
		list = append(list, t)
	}
	additional := []object{}
	if a.agent != "" {
		additional = append(additional, object{"key": "User-Agent", "value": a.agent})
	}
	e := &event{table: audit, at: at, person: by, place: from, correlation: h.d.guid()}
	a.key = fmt.Sprintf("Directory_%s_%s_%d", e.correlation, strings.ToUpper(h.d.guidText()[:5]), h.d.between(10_000_000, 99_999_999))
	a.initiator, a.targets, a.additional = jsonText(initiator), jsonText(list), jsonText(additional)
	e.detail = &a
	h.emit(e)
}

func userTarget(p *person, properties ...object) object {
	return object{"id": p.id, "displayName": nil, "type": "User", "userPrincipalName": p.upn, "modifiedProperties": properties}
}

// consent lets an application in.
func (h *hand) consent(p *person, c *client, from place, at time.Time) {
	scopes := "openid profile offline_access " + c.resources[0].scopes
	principal := h.d.guidText()
	service := object{"id": principal, "displayName": c.name, "type": "ServicePrincipal"}
	grant := audited{operation: "Add delegated permission grant", kind: "Assign", category: "ApplicationManagement", by: "Core Directory"}
	h.log(audited{operation: "Add service principal", kind: "Add", category: "ApplicationManagement", by: "Core Directory"}, p, from, at, with(service, property("AppId", nil, c.id)))
	h.log(grant, p, from, at.Add(h.d.span(400*time.Millisecond, 2*time.Second)), with(service, property("DelegatedPermissionGrant.Scope", nil, scopes), property("DelegatedPermissionGrant.ConsentType", nil, "Principal"), property("ServicePrincipal.ObjectID", nil, p.id)))
	h.log(audited{operation: "Consent to application", kind: "Assign", category: "ApplicationManagement", by: "Core Directory"}, p, from, at.Add(h.d.span(2*time.Second, 4*time.Second)), with(service,
		property("ConsentContext.IsAdminConsent", nil, "False"), property("ConsentContext.OnBehalfOfAll", nil, "False"), property("ConsentAction.Permissions", nil, "[] => [[Id: "+h.d.guidText()[:22]+", ClientId: "+principal+", PrincipalId: "+p.id+", ResourceId: "+c.resources[0].id+", ConsentType: Principal, Scope: "+scopes+"]]; "),
		property("TargetId.ServicePrincipalNames", nil, c.id)))
}

func with(target object, properties ...object) object {
	out := object{"modifiedProperties": properties}
	maps.Copy(out, target)
	return out
}

// enroll registers a method of authentication.
func (h *hand) enroll(p *person, from place, at time.Time, what string) {
	h.log(audited{operation: "User started security info registration", kind: "Add", category: "UserManagement", by: "Authentication Methods"}, p, from, at.Add(-h.d.span(20*time.Second, 2*time.Minute)), userTarget(p))
	h.log(audited{operation: "User registered security info", kind: "Add", category: "UserManagement", by: "Authentication Methods"}, p, from, at, userTarget(p))
	h.log(audited{operation: "Update user", kind: "Update", category: "UserManagement", by: "Core Directory"}, nil, place{}, at.Add(h.d.span(time.Second, 4*time.Second)), userTarget(p, property("StrongAuthenticationMethod", []object{}, []object{{"MethodType": what, "Default": true}})))
}

// join registers a device.
func (h *hand) join(p *person, m *machine, from place, at time.Time) {
	version := map[system]string{windows11: "10.0.22631.4890", windows10: "10.0.19045.5487", macOS: "15.3.1", iOS: "18.3.1", android: "14", linux: "6.8.0"}[m.system]
	device := object{"id": h.d.guidText(), "displayName": m.name, "type": "Device", "modifiedProperties": []object{
		property("DeviceId", []string{}, []string{m.id}), property("DeviceOSType", []string{}, []string{strings.TrimRight(string(m.system), "01")}), property("DeviceOSVersion", []string{}, []string{version}), property("DeviceTrustType", []string{}, []string{"AzureAd"}),
	}}
	registered := audited{operation: "Register device", kind: "Add", category: "Device", by: "Device Registration Service", agent: pick(h.d, []string{"Dsreg/10.0 (Windows " + version + ")", "DeviceRegistrationClient", ""})}
	h.log(audited{operation: "Add device", kind: "Add", category: "Device", by: "Device Registration Service"}, nil, place{}, at, device)
	h.log(registered, p, from, at.Add(h.d.span(300*time.Millisecond, 2*time.Second)), device)
	h.log(audited{operation: "Add registered owner to device", kind: "Assign", category: "Device", by: "Core Directory"}, nil, place{}, at.Add(h.d.span(2*time.Second, 4*time.Second)), userTarget(p, property("Device.DisplayName", nil, m.name)))
}

// control writes what was done against an account, or for it, and what follows by itself.
func (h *hand) control(p *person, c control) {
	by, from := c.by, place{}
	if by != nil {
		from = by.officeHost
	}
	user := audited{kind: "Update", category: "UserManagement", by: "Core Directory"}
	switch c.action {
	case "reset":
		user.operation = "Reset user password"
		if by == p {
			user.operation, user.by = "Reset password (self-service)", "Self-service Password Management"
		}
	case "change":
		user.operation = "Change user password"
	case "revoke":
		user.operation = "Revoke user sign-in sessions"
	case "disable":
		user.operation = "Disable account"
	}
	h.log(user, by, from, c.at, userTarget(p))
	user = audited{operation: "Update StsRefreshTokenValidFrom Timestamp", kind: "Update", category: "UserManagement", by: "Core Directory"}
	h.log(user, by, from, c.at.Add(h.d.span(200*time.Millisecond, 2*time.Second)), userTarget(p, property("StsRefreshTokensValidFrom", []string{}, []string{c.at.UTC().Format("2006-01-02T15:04:05Z")})))
}

// administer are the audit rows of a person's day.
func (w *world) administer(h *hand, p *person, day int) {
	night := w.day(day + 1)
	today := func(t time.Time) bool { return !t.Before(w.day(day)) && t.Before(night) }
	for _, c := range p.controls {
		if today(c.at) {
			h.control(p, c)
		}
	}
	for _, m := range p.laptops {
		if today(m.since) && m.id != "" {
			h.join(p, m, p.officeHost, m.since.Add(h.d.span(0, 20*time.Minute)))
		}
	}
	at := w.day(day).Add(time.Duration(p.begin-p.city.utc)*time.Hour + h.d.span(0, 7*time.Hour))
	if day == p.from && day > 0 || h.d.chance(0.003) {
		h.enroll(p, p.officeHost, at, pick(h.d, []string{"6", "0", "7"}))
	}
	if h.d.chance(0.004) {
		m := newMachine(h.d, pick(h.d, []system{iOS, android, macOS, windows11}), true)
		m.trust = "Azure AD registered"
		h.join(p, m, p.home, at)
	}
	if h.d.chance(0.02) {
		h.log(audited{operation: pick(h.d, []string{"Add member to group", "Update user", "Update group", "Add owner to group"}), kind: "Update", category: "GroupManagement", by: "Core Directory"}, p, p.officeHost, at, userTarget(pick(h.d, w.people)))
	}
	h.mailbox(p, day, at)
}

// called is a request to Microsoft Graph.
type called struct {
	verb, uri    string
	status, size int
	took         int
	token        string
	issued       time.Time
	scopes       string
	device       string
}

// uris are what clients ask Graph for.
var uris = []string{
	"me", "me/messages?$top=25", "me/mailFolders/inbox/messages?$select=subject,from", "me/calendarView?startDateTime=2026-03-01", "me/drive/root/children", "me/drive/recent", "me/people", "me/photo/$value", "me/memberOf",
	"me/joinedTeams", "users?$top=999", "users?$filter=startswith(displayName,'a')", "groups?$top=100", "organization", "subscribedSkus", "directoryRoles", "me/contacts", "sites/root", "search/query", "me/onenote/notebooks", "applications", "servicePrincipals?$top=100", "me/presence", "chats",
}

// call is what a client does with a token for Graph, while it lives.
func (h *hand) call(e *event) {
	if e == nil || e.to != graph || e.code != "0" || !h.w.graphLogs {
		return
	}
	// Calls have dice of their own: whether a tenant keeps these logs changes nothing else.
	calls := &hand{w: h.w, d: throw(h.w.opt.Seed, callDice, binary.BigEndian.Uint64(e.id[:])), incident: h.incident}
	if calls.d.chance(0.35) {
		calls.spend(e, e.place, e.agent, e.at, calls.d.between(1, 5))
		h.out = append(h.out, calls.out...)
	}
}

// spend calls Graph with the token that a sign-in issued.
func (h *hand) spend(e *event, from place, agent string, at time.Time, n int) {
	for range n {
		at = at.Add(h.d.span(100*time.Millisecond, 4*time.Minute))
		c := &called{verb: "GET", uri: pick(h.d, uris), status: 200, size: h.d.between(200, 40_000), took: h.d.between(20, 900), token: e.tokenID(), issued: e.at.Truncate(time.Second), scopes: e.to.scopes}
		if h.d.chance(0.06) {
			c.status = pick(h.d, []int{403, 404, 429, 401})
		}
		if h.d.chance(0.08) {
			c.verb = pick(h.d, []string{"POST", "PATCH"})
		}
		if e.known && e.machine != nil {
			c.device = e.machine.id
		}
		h.emit(&event{table: graphCalls, at: at, person: e.person, place: from, client: e.client, machine: e.machine, session: e.session, agent: agent, credential: e.credential, detail: c})
	}
}

// filed is a row of the unified audit log.
type filed struct {
	operation, workload, kind string
	object, parameters        string
	token                     string
}

// mailbox are rows of the unified audit log: mail that is read, files that are opened, and now and then a rule.
func (h *hand) mailbox(p *person, day int, at time.Time) {
	if !h.w.officeLogs || day < p.from || day > p.until || p.noLaptop {
		return
	}
	for range h.d.IntN(4) {
		f := &filed{operation: pick(h.d, []string{"MailItemsAccessed", "FileAccessed", "FileModified", "Send", "FileDownloaded", "SearchQueryInitiatedExchange"})}
		h.file(p, p.officeHost, at, f, nil)
		at = at.Add(h.d.span(time.Minute, time.Hour))
	}
	if h.d.chance(0.006) {
		h.rule(p, p.officeHost, at, pick(h.d, []string{"Newsletters", "Alerts", "From finance", "Tickets"}), "MoveToFolder", nil)
	}
}

// rule makes a rule of a mailbox.
func (h *hand) rule(p *person, from place, at time.Time, name, action string, token *event) {
	f := &filed{operation: "New-InboxRule", parameters: jsonText([]object{{"Name": "Name", "Value": name}, {"Name": action, "Value": "RSS Feeds"}, {"Name": "SubjectOrBodyContainsWords", "Value": pick(h.d, []string{"invoice;payment", "newsletter", "ticket", "report", "wire"})}})}
	h.file(p, from, at, f, token)
}

// file writes a row of the unified audit log; where it knows the token, it names it.
func (h *hand) file(p *person, from place, at time.Time, f *filed, token *event) {
	f.workload, f.kind = "Exchange", "ExchangeItem"
	switch {
	case strings.HasPrefix(f.operation, "File"):
		f.workload, f.kind = "OneDrive", "SharePointFileOperation"
		f.object = "https://" + strings.SplitN(h.w.domain, ".", 2)[0] + "-my.sharepoint.com/personal/" + p.id[:8] + "/Documents/" + pick(h.d, []string{"Budget.xlsx", "Plan.docx", "Minutes.docx", "Forecast.xlsx", "Contract.pdf"})
	case f.operation == "MailItemsAccessed":
		f.kind = "ExchangeItemAggregated"
	case strings.HasPrefix(f.operation, "New-"):
		f.kind = "ExchangeAdmin"
	}
	e := &event{table: officeCalls, at: at, person: p, place: from, detail: f}
	if token != nil {
		e.session, e.client, e.agent = token.session, token.client, token.agent
		f.token = token.tokenID()
	}
	h.emit(e)
}

// detected is a detection of Identity Protection.
type detected struct {
	kind, level, state, detail, source, timing, activity string
	request                                              guid
	occurred                                             time.Time
	agent                                                string
}

// riskKinds are detections of sign-ins that come with tokens, good and bad.
var riskKinds = []string{"anomalousToken", "unfamiliarFeatures", "unfamiliarFeatures", "unlikelyTravel", "anonymizedIPAddress"}

// detect writes a risk detection of a sign-in: at once, or many hours late.
func (h *hand) detect(e *event, kind, level string) {
	if e == nil {
		return
	}
	r := &detected{kind: kind, level: level, state: "atRisk", detail: "none", source: "IdentityProtection", timing: "realtime", activity: "signin", request: e.id, occurred: e.at, agent: e.agent}
	late := h.d.span(2*time.Minute, 20*time.Minute)
	if kind == "anomalousToken" || kind == "unlikelyTravel" || kind == "anonymizedIPAddress" || h.d.chance(0.2) {
		r.timing, late = "offline", h.d.span(time.Hour, 46*time.Hour)
	}
	at := e.at.Add(late)
	if !h.w.premium || at.After(h.w.end) {
		return
	}
	h.emit(&event{table: risks, at: e.at, arrival: at, person: e.person, place: e.place, correlation: e.correlation, detail: r})
	h.again(e, later(at, e.arrival).Add(h.d.span(time.Second, 4*time.Minute)), &risk{level, kind})
}

// robot is a service principal: an application that signs in as itself.
type robot struct {
	client *client
	id     string
	place  place
	every  time.Duration
	kind   string
	to     *resource
}

// robots are the applications that the tenant lets in, and those that sign in as themselves.
func (w *world) robots(d dice) {
	names := []string{"Adobe Acrobat", "Zoom", "Miro", "Slack", "Salesforce", "Atlassian Cloud", "DocuSign", "Calendly", "HubSpot", "Grammarly", "Notion", "Figma", "Asana", "Box", "ServiceNow", "Workday", "iOS Accounts", "Read AI", "Otter", "Fireflies Notetaker"}
	for _, name := range some(d, 12, names) {
		w.thirdParty = append(w.thirdParty, &client{id: d.guidText(), name: name, manner: foreign, owner: d.guidText(), resources: []*resource{graph, exchange}[:d.between(1, 2)]})
	}
	for _, name := range some(d, 5, []string{"Backup connector", "HR sync", "Terraform", "Monitoring", "SIEM export", "Mail signature", "Data platform"}) {
		c := &client{id: d.guidText(), name: name, manner: foreign, owner: w.tenantID, resources: []*resource{graph}}
		net := w.net.at(pick(d, []kind{hosting, microsoft, office}), &cities[d.IntN(len(cities))])
		w.principals = append(w.principals, &robot{c, d.guidText(), net.only4(d), d.span(30*time.Minute, 8*time.Hour), pick(d, []string{"clientSecret", "certificate"}), pick(d, []*resource{graph, exchange, management})})
	}
}

// operate are the sign-ins of service principals on a day.
func (w *world) operate(day int) []*event {
	h := &hand{w: w, d: throw(w.opt.Seed, tableDice, uint64(day))}
	for _, r := range w.principals {
		for at := w.day(day).Add(h.d.span(0, r.every)); at.Before(w.day(day + 1)); at = at.Add(r.every + h.d.span(0, r.every/5)) {
			h.act(r, at)
		}
	}
	return h.out
}

// act is one sign-in of a service principal.
func (h *hand) act(r *robot, at time.Time) {
	h.emit(&event{table: principals, at: at, place: r.place, client: r.client, to: r.to, code: "0", credential: r.kind, detail: r})
}
