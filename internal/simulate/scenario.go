package simulate

import "time"

// lesson is the founding case: a refresh token, replayed by a program from rented servers at night, and an application
// that was consented to.
var lesson = &scenario{name: "lesson", how: "refresh token copied from the endpoint", difficulties: []difficulty{easy}, act: replayLesson}

// scenarios are all ways in which tokens are stolen and used.
var scenarios = []*scenario{
	lesson,
	{name: "aitm-proxy", how: "adversary in the middle", weight: 5, difficulties: []difficulty{easy, medium, medium}, act: aitm},
	{name: "device-code-broker", how: "device code phishing", weight: 4, difficulties: []difficulty{easy, medium}, act: deviceCode},
	{name: "imported-refresh-token", how: "refresh token copied from the endpoint", weight: 4, difficulties: []difficulty{easy, medium}, act: importedToken},
	{name: "imported-cookies", how: "browser profile stolen by malware", weight: 4, difficulties: []difficulty{medium, medium, hard}, act: importedCookies},
	{name: "family-enumeration", how: "refresh token copied from the endpoint", weight: 4, difficulties: []difficulty{easy, easy, medium}, act: enumeration},
	{name: "low-and-slow", how: "refresh token copied from the endpoint", weight: 3, difficulties: []difficulty{hard}, act: lowAndSlow},
	{name: "illicit-consent", how: "consent phishing", weight: 3, difficulties: []difficulty{medium, medium, hard}, before: withGraph, act: illicitConsent},
	{name: "replay-after-reset", how: "refresh token copied from the endpoint", weight: 3, difficulties: []difficulty{easy, medium}, before: resetInTheMiddle, act: afterReset},
	{name: "ipv6-hosting-at-night", how: "refresh token copied from the endpoint", weight: 2, difficulties: []difficulty{easy, medium}, act: ipv6AtNight},
	{name: "same-session-concurrency", how: "browser profile stolen by malware", weight: 3, difficulties: []difficulty{medium, medium, hard}, act: concurrency},
	{name: "leavers-token", how: "kept by someone who left", weight: 2, difficulties: []difficulty{medium}, before: leaves, act: leaversToken},
	{name: "theft-before-evidence", how: "stolen before the evidence begins", weight: 3, difficulties: []difficulty{medium, medium, hard}, act: beforeEvidence},
	{name: "cookie-in-the-browser", how: "session cookie stolen by malware", weight: 2, difficulties: []difficulty{medium, hard}, act: cookieOnly},
	{name: "access-token-only", how: "access token copied from memory", weight: 2, difficulties: []difficulty{medium, hard}, before: withGraph, act: accessToken},
	{name: "authorization-code", how: "authorization code handed over by the victim", weight: 3, difficulties: []difficulty{easy, medium}, act: authorizationCode},
	{name: "prt-cookie", how: "cookie of the primary refresh token made on the endpoint", weight: 2, difficulties: []difficulty{medium, hard}, act: prtCookie},
	{name: "added-method", how: "browser profile stolen by malware", weight: 2, difficulties: []difficulty{easy, medium}, act: addedMethod},
	{name: "added-device", how: "refresh token copied from the endpoint", weight: 2, difficulties: []difficulty{medium}, act: addedDevice},
	{name: "two-attackers", how: "sold twice", weight: 2, difficulties: []difficulty{easy, medium}, act: twoAttackers},
	{name: "handed-over", how: "sold to a buyer", weight: 2, difficulties: []difficulty{easy, medium}, act: handedOver},
	{name: "probes", how: "a token that is dead already", weight: 2, difficulties: []difficulty{easy, medium}, undetectable: true, act: probes},
}

func replayLesson(a *attacker) {
	d := a.d
	day := a.w.end.Truncate(daily).AddDate(0, 0, -d.between(1, 2))
	a.begin = day.Add(3*time.Hour + d.span(0, 20*time.Minute))
	a.end = a.begin.Add(d.span(4*time.Hour, 26*time.Hour))
	for range d.between(1, 3) {
		a.exits = append(a.exits, a.w.net.of(hosting, &cities[d.between(12, 20)], published[hosting][d.IntN(6)]).only4(d))
	}
	m := newMachine(d, headless, false)
	m.voice = []string{pick(d, scriptAgents[:11])}
	s := a.steal(a.native(), m)
	way := a.route()
	for at := a.begin; at.Before(a.end); at = at.Add(time.Hour) {
		if at == a.begin || d.chance(0.8) {
			to := at.Add(time.Hour)
			if to.After(a.end) {
				to = a.end
			}
			a.bulk(s, way, pick(d, []*client{azureCLI, officeApps, oneDrive, azurePS}), graph, at, to, d.between(24, 60))
		}
	}
	c := &client{id: d.guidText(), name: pick(d, []string{"Mail Archiver", "Calendar Assistant", "Document Viewer Pro", "PDF Sync", "Team Notes"}), manner: foreign, owner: d.guidText(), resources: []*resource{graph}}
	at := a.begin.Add(d.span(15*time.Minute, 50*time.Minute))
	from := way(a.begin, azureCLI)
	a.consent(a.victim, c, from, at)
	r := &robot{c, d.guidText(), from, 0, "clientSecret", graph}
	for range d.between(4, 12) {
		at = at.Add(d.span(10*time.Minute, 90*time.Minute))
		a.act(r, at)
	}
}

// aitm is a proxy between the victim and the login page: the root is earned, at the proxy's address.
func aitm(a *attacker) {
	d := a.d
	a.from(d.between(1, 2))
	a.begin = a.w.day(a.w.dayOf(a.begin)).Add(time.Duration(a.victim.begin-a.victim.city.utc)*time.Hour + d.span(0, 8*time.Hour)) // the victim reads mail
	proxy := a.browser()
	if d.chance(0.6) { // many kits hand on the victim's agent
		copied := *a.laptop()
		copied.id, copied.name = "", ""
		proxy = &copied
	}
	s := &seat{person: a.victim, machine: proxy, sessions: []session{{id: d.guidText(), from: a.begin, rooted: a.begin, method: passwordAndPush}}}
	a.root(s, a.exits[0], officeHome, a.begin)
	own := *s
	own.machine = a.browser()
	if d.chance(0.4) { // the loot is used from elsewhere than the proxy
		a.from(d.between(1, 3))
		a.exits = a.exits[1:]
	}
	way := a.route()
	for _, v := range a.visits(6*time.Hour, 20*time.Minute, 3*time.Hour) {
		v.from = v.from.Add(d.span(20*time.Second, 10*time.Minute))
		a.browse(&own, way, v)
	}
	a.aftermath(way)
}

// aftermath is what attackers do to stay: a rule in the mailbox, a method, nothing.
func (a *attacker) aftermath(way route) {
	at := a.begin.Add(a.d.span(3*time.Minute, 2*time.Hour))
	switch {
	case a.d.chance(0.4) && a.w.officeLogs:
		a.rule(a.victim, way(at, nil), at, pick(a.d, []string{".", "..", "Newsletters", "Alerts", "a"}), pick(a.d, []string{"DeleteMessage", "MoveToFolder", "MarkAsRead"}), nil)
	case a.d.chance(0.25):
		a.enroll(a.victim, way(at, nil), at, pick(a.d, []string{"6", "0", "7"}))
	}
	a.alarmed()
}

// deviceCode is a code that the victim typed in for somebody else: the broker's token becomes a device and its primary
// refresh token.
func deviceCode(a *attacker) {
	d := a.d
	a.from(d.between(1, 2))
	a.begin = a.w.day(a.w.dayOf(a.begin)).Add(time.Duration(a.victim.begin-a.victim.city.utc)*time.Hour + d.span(0, 8*time.Hour))
	way := a.route()
	here := way(a.begin, broker)
	m := newMachine(d, pick(d, []system{windows10, windows11}), false)
	c := pick(d, []*client{broker, broker, officeApps, teamsApp})
	now := a.page().sessions[a.page().at(a.begin)]
	now.rooted, now.transfer = a.begin, "deviceCodeFlow"
	victims := &seat{person: a.victim, machine: a.laptop(), sessions: []session{now}}
	a.openly(victims, here, c, a.begin, "0", nil, guid{})
	s := &seat{person: a.victim, machine: m, sessions: []session{now}}
	at := a.begin.Add(d.span(3*time.Second, 40*time.Second))
	for _, r := range []*resource{c.resources[0], devices, graph} {
		a.call(a.silently(s, here, c, r, at, guid{}))
		at = at.Add(d.span(2*time.Second, 3*time.Minute))
	}
	if c == broker {
		joined := newMachine(d, m.system, true)
		joined.trust, joined.managed, joined.compliant = "Azure AD registered", false, false
		a.join(a.victim, joined, here, at)
		s = &seat{person: a.victim, machine: joined, sessions: s.sessions}
	}
	for _, v := range a.visits(5*time.Hour, 30*time.Minute, 4*time.Hour) {
		v.from = v.from.Add(d.span(4*time.Minute, 20*time.Minute))
		a.clients(s, way, v, some(d, d.between(1, 3), []*client{officeApps, teamsApp, oneDrive, edge}))
	}
	a.aftermath(way)
}

// importedToken is a refresh token in an ordinary client on a machine that nobody knows.
func importedToken(a *attacker) {
	a.from(a.d.between(1, 3))
	way := a.route()
	s := a.steal(a.native(), newMachine(a.d, pick(a.d, []system{windows10, windows11, macOS}), false))
	list := some(a.d, a.d.between(1, 3), []*client{officeApps, teamsApp, oneDrive, toDo})
	for _, v := range a.visits(4*time.Hour, 30*time.Minute, 6*time.Hour) {
		a.clients(s, way, v, list)
	}
	a.aftermath(way)
}

// importedCookies are the victim's in another browser: pages load, some interactively, and nothing is asked again.
func importedCookies(a *attacker) {
	a.from(a.d.between(1, 3))
	way := a.route()
	s := a.steal(a.page(), a.browser())
	for _, v := range a.visits(8*time.Hour, 10*time.Minute, 2*time.Hour) {
		a.browse(s, way, v)
	}
	a.aftermath(way)
}

// enumeration is a program that trades the token for those of other clients.
func enumeration(a *attacker) {
	a.from(a.d.between(1, 2))
	way := a.route()
	s := a.steal(a.native(), a.script())
	for _, v := range a.visits(7*time.Hour, 10*time.Minute, 2*time.Hour) {
		a.enumerate(s, way, v.from, a.d.between(3, 9))
		if a.d.chance(0.5) {
			a.bulk(s, way, pick(a.d, familyShop), graph, v.from.Add(10*time.Minute), v.to, a.d.between(4, 40))
		}
	}
	a.aftermath(way)
}

// lowAndSlow is a token that is used a few times a day, in working hours, from homes in the victim's city.
func lowAndSlow(a *attacker) {
	a.from(a.d.between(3, 8))
	way := a.route()
	m := a.browser()
	s := a.steal(a.native(), m)
	c := pick(a.d, []*client{officeApps, teamsApp, oneDrive, outlookWeb})
	if c.manner == spa {
		s = a.steal(a.page(), m)
	}
	for _, v := range a.visits(10*time.Hour, time.Minute, 70*time.Minute) {
		for range a.d.between(1, 3) {
			at := v.from.Add(a.d.span(0, v.to.Sub(v.from)))
			a.call(a.silently(s, way(at, c), c, pick(a.d, c.resources[:2]), at, guid{}))
		}
	}
	a.alarmed()
}
