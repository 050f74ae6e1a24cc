package simulate

import "time"

// withGraph makes sure that the tenant has the logs without which an attack leaves nothing.
func withGraph(w *world, _ *attacker) { w.graphLogs = true }

// illicitConsent is an application that the victim lets in: its server redeems where the token was born, which is the
// victim's own address, and only the calls show from where it works.
func illicitConsent(a *attacker) {
	d := a.d
	a.from(d.between(1, 2))
	at := a.working(a.begin)
	c := &client{id: d.guidText(), name: pick(d, []string{"Meeting Notes Sync", "PDF Converter", "Inbox Assistant", "Signature Manager", "Workspace Backup", "eSign"}), manner: foreign, owner: d.guidText(), resources: []*resource{graph}}
	born := a.whereabouts(at)
	a.consent(a.victim, c, born, at)
	s := &seat{person: a.victim, machine: &machine{voice: []string{pick(d, append([]string{"", "", ""}, serverAgents...))}}, sessions: []session{{id: d.guidText(), from: at, rooted: at}}}
	way := a.route()
	for _, v := range a.visits(5*time.Hour, 10*time.Minute, 3*time.Hour) {
		for t := v.from; t.Before(v.to); t = t.Add(d.span(40*time.Minute, 80*time.Minute)) {
			t = later(t, at.Add(time.Minute))
			if e := a.silently(s, born, c, graph, t, guid{}); e != nil && e.code == "0" {
				a.spend(e, way(t, c), s.machine.voice[0], t, d.between(2, 9))
			}
		}
	}
	a.alarmed()
}

// working moves a time into the victim's hours of work.
func (a *attacker) working(t time.Time) time.Time {
	p := a.victim
	for range 7 {
		day := a.w.day(a.w.dayOf(t))
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
			return day.Add(time.Duration(p.begin-p.city.utc)*time.Hour + a.d.span(0, 7*time.Hour))
		}
		t = t.Add(daily)
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// whereabouts is where the victim's browser or programs are at a time.
func (a *attacker) whereabouts(t time.Time) place {
	best, gap := a.victim.home, time.Duration(1<<62)
	for _, e := range a.rehearsed(a.w.dayOf(t)) {
		if e.table == silent && e.machine == a.laptop() && (e.client.manner == native || e.client.manner == spa) {
			if g := e.at.Sub(t).Abs(); g < gap {
				best, gap = e.place, g
			}
		}
	}
	return best
}

// resetInTheMiddle has the password changed while the attack goes on: what was begun without the password lives on, and
// a reset by an administrator ends all.
func resetInTheMiddle(w *world, a *attacker) {
	at := a.begin.Add(a.d.span(time.Hour, later(a.end, a.begin.Add(6*time.Hour)).Sub(a.begin)))
	c := control{at, pick(a.d, []string{"change", "change", "reset"}), a.victim}
	a.victim.controls = append(a.victim.controls, c)
	a.native().methods = []method{helloForBusiness}
	if left := w.end.Sub(at); a.end.Before(at.Add(left / 3)) {
		a.end = at.Add(a.d.span(left/4, left*3/4))
	}
}

// afterReset goes on using the token after the password has changed, or trying to.
func afterReset(a *attacker) {
	a.from(a.d.between(1, 3))
	way := a.route()
	s := a.steal(a.native(), pick(a.d, []*machine{a.script(), a.browser()}))
	c := a.victim.controls[len(a.victim.controls)-1]
	if c.ends(s.sessions[0].method) {
		dead := s.sessions[0]
		dead.from, dead.rooted, dead.forced = c.at, time.Time{}, true
		s.sessions = append(s.sessions, dead)
	}
	list := some(a.d, 2, []*client{officeApps, teamsApp, oneDrive, azureCLI})
	for _, v := range a.visits(6*time.Hour, 20*time.Minute, 3*time.Hour) {
		a.clients(s, way, v, list)
	}
	a.alarmed()
}

// ipv6AtNight is a rented server with IPv6, while the victim sleeps.
func ipv6AtNight(a *attacker) {
	d := a.d
	for len(a.exits) < d.between(1, 2) {
		if net := a.w.net.at(hosting, &cities[d.IntN(len(cities))]); net.six != "" {
			a.exits = append(a.exits, six(d, net, d.between(1, 0xfff0)))
		}
	}
	way := a.route()
	s := a.steal(a.native(), pick(d, []*machine{a.script(), a.browser()}))
	night := a.w.day(a.w.dayOf(a.begin)).Add(time.Duration(1-a.victim.city.utc) * time.Hour)
	for n := range d.between(1, 4) {
		from := night.Add(time.Duration(n)*daily + d.span(0, 2*time.Hour))
		a.bulk(s, way, pick(d, []*client{officeApps, azureCLI, oneDrive, teamsApp}), pick(d, []*resource{graph, exchange, sharepoint}), from, from.Add(d.span(30*time.Minute, 3*time.Hour)), d.between(4, 40))
	}
	a.alarmed()
}

// six is an IPv6 address of a network that has them.
func six(d dice, net *network, subscriber int) place {
	for {
		if p := net.host(d, subscriber); len(p.address) > 15 {
			return p
		}
	}
}

// concurrency is a copy of the session that is used while the victim uses it, minute by minute.
func concurrency(a *attacker) {
	a.from(a.d.between(1, 2))
	way := a.route()
	a.begin = a.working(a.begin)
	now := a.page().stolen(a.begin, a.browser())
	if a.d.chance(0.5) {
		now = a.native().stolen(a.begin, a.browser())
	}
	for n := range a.d.between(1, 4) {
		from := a.working(a.begin.Add(time.Duration(n) * daily))
		if n == 0 {
			from = a.begin
		}
		v := shift{from: from, to: from.Add(a.d.span(time.Hour, 4*time.Hour))}
		a.browse(now, way, v)
		if a.d.chance(0.4) {
			a.clients(now, way, v, some(a.d, 2, []*client{officeApps, teamsApp, oneDrive}))
		}
	}
	a.alarmed()
}

// leaves sends the victim away for good; nobody disables the account.
func leaves(w *world, a *attacker) {
	p := a.victim
	p.until = max(1, min(w.dayOf(a.begin)-2, w.days*2/3))
	gone := w.day(p.until + 1)
	left := w.end.Sub(gone)
	a.begin = gone.Add(a.d.span(left/8, left/2))
	a.end = later(a.end, a.begin.Add(left/4))
	p.controls = nil
}

// leaversToken is used by who kept it, from home.
func leaversToken(a *attacker) {
	d := a.d
	net := a.w.net.at(pick(d, []kind{home, carrier, anonymizer}), a.victim.city)
	a.exits = []place{net.host(d, d.between(1, 0xfff0))}
	way := a.route()
	m := newMachine(d, pick(d, []system{windows11, macOS, iOS, android}), false)
	s := a.native().stolen(a.w.day(a.victim.until), m)
	for _, v := range a.visits(7*time.Hour, 20*time.Minute, 2*time.Hour) {
		a.clients(s, way, v, some(d, d.between(1, 2), []*client{officeApps, teamsApp, oneDrive, outlookApp}))
	}
	a.alarmed()
}

// beforeEvidence is an attack that is under way when the evidence begins.
func beforeEvidence(a *attacker) {
	a.end = a.w.start.Add(a.d.span(2*daily, time.Duration(a.w.days)*daily))
	a.begin = a.w.start.Add(a.d.span(0, 10*time.Hour))
	a.from(a.d.between(1, 3))
	way := a.route()
	s := a.native().stolen(a.w.start, a.browser())
	list := some(a.d, a.d.between(1, 3), []*client{officeApps, teamsApp, oneDrive})
	for _, v := range a.visits(9*time.Hour, 20*time.Minute, 3*time.Hour) {
		if a.d.chance(0.4) {
			a.browse(s, way, v)
			continue
		}
		a.clients(s, way, v, list)
	}
	a.alarmed()
}

// cookieOnly is a cookie in the attacker's browser: interactive rows, and nothing was given in them.
func cookieOnly(a *attacker) {
	a.from(a.d.between(1, 2))
	way := a.route()
	s := a.steal(a.page(), a.browser())
	for _, v := range a.visits(10*time.Hour, 10*time.Minute, time.Hour) {
		at := v.from
		for range a.d.between(1, 4) {
			c := pick(a.d, []*client{outlookWeb, officeHome, siteWeb, teamsWeb, shell})
			a.openly(s, way(at, c), c, at, "0", nil, guid{})
			at = at.Add(a.d.span(10*time.Second, 15*time.Minute))
		}
	}
	a.alarmed()
}

// accessToken is spent elsewhere while it lives: no sign-in, only the calls.
func accessToken(a *attacker) {
	a.from(a.d.between(1, 2))
	way := a.route()
	agent := pick(a.d, scriptAgents)
	if a.difficulty == hard {
		agent = ""
	}
	day := a.w.dayOf(a.begin)
	for _, n := range some(a.d, a.d.between(4, 8), upTo(10)) { // at the weekend there is nothing to copy
		for _, e := range some(a.d, a.d.between(1, 2), a.tokens(day+n-5)) {
			at := e.at.Add(a.d.span(time.Minute, 40*time.Minute))
			said := agent
			if a.difficulty == hard {
				said = e.agent
			}
			a.spend(e, way(at, nil), said, at, a.d.between(3, 30))
		}
	}
}

// tokens are the victim's for Graph, of the laptop, that are issued on a day.
func (a *attacker) tokens(day int) []*event {
	var out []*event
	if day < 1 || day > a.w.days-2 {
		return nil
	}
	for _, e := range a.rehearsed(day) {
		if e.table == silent && e.to == graph && e.code == "0" && !e.copy && e.machine == a.laptop() {
			out = append(out, e)
		}
	}
	return out
}

// authorizationCode is a code of the command line's that the victim pasted into somebody else's page.
func authorizationCode(a *attacker) {
	d := a.d
	a.from(d.between(1, 2))
	a.begin = a.working(a.begin)
	c := pick(d, []*client{azureCLI, azurePS, graphCLI, code})
	s := &seat{person: a.victim, machine: a.laptop(), sessions: []session{{id: d.guidText(), from: a.begin, rooted: a.begin, method: passwordAndPush}}}
	if at := a.page().at(a.begin); d.chance(0.5) {
		s.sessions[0].id = a.page().sessions[at].id // the browser was signed in
	}
	victims := a.own()
	victims.openly(s, a.whereabouts(a.begin), c, a.begin, "0", nil, guid{})
	a.out = append(a.out, victims.out...)
	theirs := *s
	theirs.machine = a.script()
	way := a.route()
	at := a.begin.Add(d.span(5*time.Second, 10*time.Minute))
	for _, r := range c.resources {
		a.call(a.silently(&theirs, way(at, c), c, r, at, guid{}))
		at = at.Add(d.span(time.Second, time.Minute))
	}
	a.begin = at.Add(d.span(time.Minute, time.Hour))
	for _, v := range a.visits(6*time.Hour, 10*time.Minute, 2*time.Hour) {
		a.bulk(&theirs, way, c, pick(d, c.resources), v.from, v.to, d.between(6, 30))
	}
	a.alarmed()
}

// prtCookie is made on the victim's machine and used elsewhere: the rows show the victim's own device.
func prtCookie(a *attacker) {
	a.from(a.d.between(1, 2))
	way := a.route()
	m := *a.laptop()
	m.bound = false
	if a.difficulty != hard {
		own := newMachine(a.d, m.system, false)
		m.browser, m.major, m.updates = own.browser, own.major, own.updates
	}
	s := a.steal(a.native(), &m)
	for _, v := range a.visits(8*time.Hour, 10*time.Minute, 2*time.Hour) {
		a.browse(s, way, v)
		if a.d.chance(0.3) {
			a.bulk(s, way, pick(a.d, []*client{azureCLI, azurePS, officeApps}), graph, v.from, v.to, a.d.between(2, 10))
		}
	}
	a.alarmed()
}

// addedMethod is a second factor of the attacker's own, and then a fresh root with it.
func addedMethod(a *attacker) {
	d := a.d
	a.from(d.between(1, 2))
	way := a.route()
	m := a.browser()
	s := a.steal(a.page(), m)
	a.load(s, way, mySignIns, a.begin, a.begin.Add(10*time.Minute))
	at := a.begin.Add(d.span(time.Minute, 10*time.Minute))
	a.enroll(a.victim, way(at, nil), at, pick(d, []string{"6", "0", "7"}))
	at = at.Add(d.span(10*time.Minute, 2*daily))
	fresh := &seat{person: a.victim, machine: m, sessions: []session{{id: d.guidText(), from: at, rooted: at, method: pick(d, []method{passwordAndCode, passwordAndPush, passkey})}}}
	a.root(fresh, way(at, officeHome), officeHome, at)
	a.begin, a.end = at, later(a.end, at.Add(5*time.Hour))
	for _, v := range a.visits(7*time.Hour, 20*time.Minute, 2*time.Hour) {
		a.browse(fresh, way, v)
	}
	a.alarmed()
}

// addedDevice is a machine of the attacker's that becomes the victim's by name, and its primary refresh token.
func addedDevice(a *attacker) {
	d := a.d
	a.from(d.between(1, 2))
	way := a.route()
	s := a.steal(a.native(), a.browser())
	at := a.begin
	for _, r := range []*resource{devices, directory} {
		a.silently(s, way(at, broker), broker, r, at, guid{})
		at = at.Add(d.span(2*time.Second, time.Minute))
	}
	m := newMachine(d, pick(d, []system{windows10, windows11}), true)
	m.trust, m.managed, m.compliant, m.bound = pick(d, []string{"Azure AD registered", "Azure AD joined"}), false, false, false
	a.join(a.victim, m, way(at, nil), at)
	at = at.Add(d.span(time.Minute, 20*time.Minute))
	fresh := &seat{person: a.victim, machine: m, sessions: []session{{id: d.guidText(), from: at, rooted: at, method: passwordAndPush}}}
	a.begin, a.end = at, later(a.end, at.Add(5*time.Hour))
	for _, v := range a.visits(6*time.Hour, 30*time.Minute, 3*time.Hour) {
		a.clients(fresh, way, v, some(d, 2, []*client{officeApps, teamsApp, oneDrive, edge}))
	}
	a.alarmed()
}

// twoAttackers bought the same token.
func twoAttackers(a *attacker) {
	importedCookies(a)
	a.exits, a.begin = nil, a.begin.Add(a.d.span(time.Hour, daily))
	enumeration(a)
}

// handedOver is used a little to see that it works, and by a buyer in earnest some days later.
func handedOver(a *attacker) {
	end := a.end
	a.end = a.begin.Add(a.d.span(5*time.Minute, time.Hour))
	enumeration(a)
	a.exits = nil
	a.begin = a.end.Add(a.d.span(daily, 6*daily))
	a.end = later(end, a.begin.Add(a.d.span(2*time.Hour, 2*daily)))
	importedToken(a)
}

// probes never succeed: the token is dead, or policies stop it. Nobody can say from the rows of one user whether a
// stranger knocked or a program of the user's own went on with an old token.
func probes(a *attacker) {
	a.from(1)
	way := a.route()
	s := a.steal(a.native(), a.script())
	a.refused = [][]string{{"50173"}, {"70043", "70044"}, {"700082"}, {"53003", "53003", "530003", "50097"}}[a.d.IntN(4)]
	for _, v := range a.visits(6*time.Hour, 5*time.Minute, 30*time.Minute) {
		a.bulk(s, way, pick(a.d, []*client{officeApps, azureCLI, teamsApp}), graph, v.from, v.to, a.d.between(2, 12))
	}
}
