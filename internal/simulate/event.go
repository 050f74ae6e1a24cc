package simulate

import (
	"encoding/base64"
	"strings"
	"time"
)

// table is one of the tables that a tenant's evidence has.
type table uint8

const (
	interactive table = iota
	silent
	principals
	audit
	risks
	graphCalls
	officeCalls
	tableCount
)

var tableNames = [tableCount]string{
	"SigninLogs", "AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs", "AuditLogs", "AADUserRiskEvents", "MicrosoftGraphActivityLogs", "OfficeActivity",
}

// event is one row before it is written.
type event struct {
	table       table
	at, arrival time.Time
	id          guid
	correlation guid
	person      *person
	place       place
	client      *client
	to          *resource
	machine     *machine
	known       bool // the client showed the device's certificate
	session     string
	agent       string
	parsed      string // the browser as Entra parses it
	code        string // ResultType
	token       string // IncomingTokenType
	credential  string // ClientCredentialType
	protocol    string
	transfer    string
	factors     []factor // what was given in this request; empty where all is inherited
	strong      bool     // more than one factor was required
	copy        bool     // sent again, poorer
	risk        *risk
	detail      any // what only one table has
}

// factor is one step of an authentication.
type factor struct {
	method, detail, result string
	after                  time.Duration
}

// risk is what Identity Protection says of a sign-in: the row is sent again with it.
type risk struct{ level, kind string }

// token is the identifier of the token that a sign-in issued.
func (e *event) tokenID() string { return string(e.appendTokenID(nil)) }

func (e *event) appendTokenID(b []byte) []byte {
	l := e.id.little()
	return base64.RawURLEncoding.AppendEncode(b, l[:])
}

// hand makes events. Everybody's are made by the same hand, whoever acts in whose name.
type hand struct {
	w        *world
	d        dice
	out      []*event
	incident *Incident // whose events these are; nil for ordinary life
	refused  []string  // what Entra answers to everything; empty where it is as usual
}

// emit gives an event its identity and its way into the evidence, unless it happened outside of it or had not arrived
// when the evidence was exported.
func (h *hand) emit(e *event) *event {
	e.at = e.at.Truncate(100)
	if e.at.Before(h.w.start) || e.at.After(h.w.end) {
		return nil
	}
	e.id = h.d.guid()
	if e.correlation == (guid{}) {
		e.correlation = h.d.guid()
	}
	if e.arrival.IsZero() {
		e.arrival = e.at.Add(h.lag(e.table))
	}
	if e.arrival.After(h.w.end) {
		return nil
	}
	h.out = append(h.out, e)
	if h.incident != nil {
		h.incident.note(e)
	}
	if e.table <= silent && h.d.chance(0.025) {
		h.again(e, e.arrival.Add(h.d.span(time.Minute, 50*time.Minute)), nil)
	}
	return e
}

// again sends a row another time, poorer, or with what has become known since.
func (h *hand) again(e *event, arrival time.Time, r *risk) {
	if arrival.After(h.w.end) {
		return
	}
	again := *e
	again.copy, again.arrival, again.risk = true, arrival, r
	h.out = append(h.out, &again)
}

// lag is how long a row takes to the workspace.
func (h *hand) lag(t table) time.Duration {
	switch {
	case t == risks:
		return h.d.span(2*time.Minute, 30*time.Minute)
	case h.d.chance(0.012):
		return h.d.span(time.Hour, 9*time.Hour)
	}
	return h.d.span(55*time.Second, 4*time.Minute) + h.d.span(0, 16*time.Minute)/time.Duration(h.d.between(1, 8))
}

// silently is one redemption without a window. What Entra logs of the caller is up to the client's manner.
func (h *hand) silently(s *seat, from place, c *client, to *resource, at time.Time, correlation guid) *event {
	i := s.at(at)
	e := &event{
		table: silent, at: at, person: s.person, place: from, client: c, to: to, machine: s.machine, correlation: correlation,
		session: s.sessions[i].id, transfer: s.sessions[i].transfer, code: "0", strong: h.w.strong(c, to), credential: "none",
	}
	if s.lost {
		e.session = ""
	}
	h.caller(e)
	switch {
	case len(h.refused) > 0:
		e.code = pick(h.d, h.refused)
	case at.Before(s.sessions[i].rooted) || s.sessions[i].rooted.IsZero():
		if !s.sessions[i].forced && h.d.chance(0.7) {
			return nil
		}
		e.code = pick(h.d, []string{"50173", "50173", "50173", "50173", "50173", "50173", "50196"})
		if !s.sessions[i].forced {
			e.code = pick(h.d, []string{"70043", "50078", "70044"})
		}
	case h.d.chance(0.03):
		e.code = pick(h.d, usualFailures)
	}
	return h.emit(e)
}

// usualFailures are what fails on ordinary days, by how often.
var usualFailures = []string{"50058", "50058", "50140", "65001", "65001", "70043", "70044", "50076", "50097", "50199", "16000", "50125", "700082", "530003", "53003", "50196", "65002", "90094", "50133", "500011", "70008"}

// caller fills what a row shows of who redeemed.
func (h *hand) caller(e *event) {
	d, m, day := h.d, e.machine, h.w.dayOf(e.at)
	registered := m.id != ""
	e.token = "refreshToken"
	switch e.client.manner {
	case native:
		e.agent = m.clientAgent(d, e.client, day)
		e.parsed = pick(d, []string{"", "Rich Client 4.66.1.0", "Rich Client 5.3.0.0"})
		if e.agent == wamAgent {
			e.parsed = "Edge 18.22631"
		}
		e.known = registered && d.chance(0.93)
		if e.known && d.chance(0.7) {
			e.token = "primaryRefreshToken"
		}
	case spa:
		e.agent, e.parsed = m.browserAgent(day), m.parsedBrowser(day)
		e.known = registered && m.browser != "Firefox" && d.chance(0.8)
		switch {
		case d.chance(0.5):
			e.token = "none"
		case e.known && d.chance(0.4):
			e.token = "primaryRefreshToken"
		}
	case confidential, foreign:
		e.credential = pick(d, []string{"clientAssertion", "clientAssertion", "clientAssertion", "certificate", "clientSecret"})
		if e.client.manner == foreign {
			e.credential = pick(d, []string{"clientSecret", "clientSecret", "clientAssertion"})
		}
		if d.chance(0.06) && e.client.manner == confidential {
			e.agent = pick(d, serverAgents)
		}
		e.known = registered && d.chance(0.45)
		if d.chance(0.65) {
			e.token = "none"
		}
	case commandLine:
		e.agent = pick(d, e.client.agents)
		e.parsed = ""
		e.known = registered && d.chance(0.3)
		if d.chance(0.15) {
			e.token = "none"
		}
	}
	if m.voice != nil {
		e.agent = pick(d, m.voice)
		e.parsed = parsedScript(e.agent)
	}
}

// parsedScript is what Entra makes of a program's agent.
func parsedScript(agent string) string {
	if strings.HasPrefix(agent, "python-requests/") {
		return "Python Requests " + agent[len("python-requests/"):len("python-requests/")+4]
	}
	return ""
}

// openly is a sign-in with a window: by factors that are given now, or by what the browser has already.
func (h *hand) openly(s *seat, from place, c *client, at time.Time, code string, factors []factor, correlation guid) {
	i := s.at(at)
	day := h.w.dayOf(at)
	e := &event{
		table: interactive, at: at, person: s.person, place: from, client: c, to: c.resources[0], machine: s.machine, correlation: correlation,
		session: s.sessions[i].id, transfer: s.sessions[i].transfer, code: code, factors: factors, credential: "none", token: "none",
		agent: s.machine.browserAgent(day), parsed: s.machine.parsedBrowser(day),
	}
	e.strong = len(factors) != 1 && (len(factors) > 1 || h.w.strong(c, e.to))
	e.known = s.machine.id != "" && s.machine.browser != "Firefox" && h.d.chance(0.85)
	switch c.manner {
	case native:
		e.agent = s.machine.clientAgent(h.d, c, day)
		e.parsed = ""
		e.known = s.machine.id != ""
	case commandLine:
		e.known = e.known && h.d.chance(0.5)
	}
	if s.machine.voice != nil && c.manner != native {
		e.agent = pick(h.d, s.machine.voice)
	}
	if e.transfer != "" { // the code is typed into the person's own browser, whatever machine asked for it
		e.protocol, e.known = "deviceCode", false
		if own := s.person.laptops; len(own) > 0 {
			e.machine, e.agent, e.parsed = own[0], own[0].browserAgent(day), own[0].parsedBrowser(day)
		}
	}
	if len(factors) == 0 && e.known && h.d.chance(0.5) {
		e.token = "primaryRefreshToken"
	}
	if s.lost {
		e.session = ""
	}
	h.emit(e)
}

// factorsOf are the steps of a method.
func (h *hand) factorsOf(m method) []factor {
	password := factor{"Password", "Password in the cloud", "Correct password", 0}
	if h.w.synced {
		password.detail = "Password Hash Sync"
	}
	wait := h.d.span(6*time.Second, 40*time.Second)
	switch m {
	case passwordAndCode:
		return []factor{password, {pick(h.d, []string{"OATH verification code", "Text message"}), "", "MFA completed in Azure AD", wait}}
	case passkey:
		return []factor{{"Passkey (device-bound)", "", "MFA completed in Azure AD", 0}}
	case helloForBusiness:
		return []factor{{"Windows Hello for Business", "", "MFA completed in Azure AD", 0}}
	case passwordOnly:
		return []factor{password}
	}
	return []factor{password, {"Mobile app notification", "", "MFA completed in Azure AD", wait}}
}

// root logs how a session was begun: now and then after a slip, mostly through the interrupts of the login page.
func (h *hand) root(s *seat, from place, c *client, at time.Time) {
	i := s.at(at)
	correlation := h.d.guid()
	before := at
	slip := func(code string, back time.Duration) {
		before = before.Add(-back)
		h.openly(s, from, c, before, code, nil, correlation)
	}
	if c.manner != native {
		if h.d.chance(0.35) {
			slip("50140", h.d.span(3*time.Second, 9*time.Second))
		}
		if h.d.chance(0.4) {
			slip("50074", h.d.span(6*time.Second, 30*time.Second))
		}
		if h.d.chance(0.12) {
			slip("50126", h.d.span(10*time.Second, 50*time.Second))
		}
	}
	h.openly(s, from, c, at, "0", h.factorsOf(s.sessions[i].method), correlation)
}

// open makes sure that a seat has its session: where one begins while its holder is there, its root is logged.
func (h *hand) open(s *seat, route func(time.Time, *client) place, c *client, from, to time.Time) {
	for i := range s.sessions {
		now := &s.sessions[i]
		if !now.rooted.IsZero() || now.from.After(to) || i+1 < len(s.sessions) && !s.sessions[i+1].from.After(from) {
			continue
		}
		at := now.from
		if at.Before(from) {
			at = from
		}
		wait := h.d.span(2*time.Second, 3*time.Minute)
		if now.forced {
			wait = h.d.span(2*time.Minute, 2*time.Hour)
		}
		begin := at
		if at = at.Add(wait); at.Before(to) {
			now.rooted = at
			h.root(s, route(at, c), c, at)
		}
		if now.forced {
			h.storm(s, route, begin, at)
		}
	}
}

// storm are programs that do not understand that their token is dead: they ask again and again until its owner signs
// in, some until Entra tells them that they loop.
func (h *hand) storm(s *seat, route func(time.Time, *client) place, from, to time.Time) {
	c := pick(h.d, []*client{officeApps, teamsApp, oneDrive, outlookApp})
	if s.machine.system.phone() {
		c = outlookApp
	}
	pause := h.d.span(10*time.Second, 6*time.Minute)
	for at, n := from, h.d.between(3, 70); n > 0 && at.Before(to); n-- {
		at = at.Add(h.d.span(pause/2, pause*2))
		h.silently(s, route(at, c), c, c.resources[0], at, guid{})
	}
}
