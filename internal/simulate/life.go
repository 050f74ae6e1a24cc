package simulate

import (
	"slices"
	"time"
)

// route says from where a client reaches Entra at a time.
type route func(at time.Time, c *client) place

// fixed is the route of what never moves.
func fixed(p place) route { return func(time.Time, *client) place { return p } }

// live is one day of a person.
func (w *world) live(p *person, day int) []*event {
	h := &hand{w: w, d: throw(w.opt.Seed, lifeDice, uint64(p.index), uint64(day))}
	w.administer(h, p, day)
	if day < p.from || day > p.until {
		return h.out
	}
	today := w.plan(h.d, p, day)
	for _, at := range today.work {
		h.work(at)
	}
	h.carry(p, today)
	h.serve(p, today)
	h.run(p, today)
	h.misjudge(p, today)
	return h.out
}

// shift is a time at a machine.
type shift struct {
	person   *person
	machine  *machine
	route    route
	from, to time.Time
	first    bool // the machine was off before
	load     float64
}

// today is what a person plans for a day.
type today struct {
	day      int
	midnight time.Time // on the person's own clock
	off      bool
	work     []shift
	base     route
	trip     *trip
	atOffice bool
	lunch    int
}

// plan decides where a person is on a day and when.
func (w *world) plan(d dice, p *person, day int) today {
	t := today{day: day, lunch: d.between(11, 13)}
	utc := p.city.utc
	for i := range p.trips {
		if p.trips[i].from <= day && day <= p.trips[i].to {
			t.trip = &p.trips[i]
			utc = t.trip.city.utc
		}
	}
	t.midnight = w.day(day).Add(-time.Duration(utc) * time.Hour)
	weekday := w.day(day).Weekday()
	weekend := weekday == time.Saturday || weekday == time.Sunday
	if p.shifts {
		weekend = (day+p.index)%7 >= 5
	}
	if p.holiday[1] > 0 && p.holiday[0] <= day && day <= p.holiday[1] {
		weekend = true
	}
	t.off = weekend && (p.withoutWeekend || d.chance(0.6))
	t.atOffice = !weekend && t.trip == nil && !d.chance(p.homeDays)
	t.base = w.way(d, p, &t)
	if p.noLaptop && !p.shared || t.off {
		return t
	}
	begin, end := p.begin, p.end
	if p.shifts {
		begin = []int{6, 14, 22}[(day/7+p.index)%3]
		end = begin + 8
	}
	if weekend {
		begin, end = d.between(9, 18), 0
		end = begin + d.between(1, 2)
	}
	w.hours(d, p, &t, begin, end, weekend)
	return t
}

// hours lays the shifts of a day on the person's machines.
func (w *world) hours(d dice, p *person, t *today, begin, end int, weekend bool) {
	clock := func(hour int) time.Time {
		return t.midnight.Add(time.Duration(hour)*time.Hour + d.span(-25*time.Minute, 35*time.Minute))
	}
	var usable []*machine
	noon := clock(12)
	for _, m := range p.laptops {
		if !m.since.After(noon) && (m.until.IsZero() || m.until.After(noon)) {
			usable = append(usable, m)
		}
	}
	if len(usable) == 0 {
		return
	}
	main := usable[0]
	if p.shared {
		main = pick(d, usable)
	}
	add := func(m *machine, from, to time.Time, first bool, load float64) {
		r := t.base
		if slices.Contains(w.desktops, m) {
			r = fixed(w.desktopNet)
		}
		if from.Before(to) {
			t.work = append(t.work, shift{p, m, r, from, to, first, p.load * load})
		}
	}
	noonish := begin + (end-begin)/2
	add(main, clock(begin), clock(noonish), true, 1)
	if !weekend {
		add(main, clock(noonish+1), clock(end), d.chance(0.3), 1)
	}
	for _, m := range usable {
		if m != main && !p.shared && d.chance(0.45) {
			from := clock(d.between(begin, max(begin, end-2)))
			add(m, from, from.Add(d.span(30*time.Minute, 4*time.Hour)), true, 0.7)
		}
	}
	for _, n := range p.nights {
		if n == t.day {
			add(main, clock(20), clock(d.between(22, 26)), true, 1.3)
		}
	}
	if d.chance(0.12) && !weekend {
		add(main, clock(20), clock(21), true, 0.5)
	}
	if p.alwaysOn && !p.shared { // the machine stays on and renews by itself
		add(main, clock(end), clock(end+10), false, 0.25)
	}
}

// way is the route of a person's laptop on a day: the office, home or a bed elsewhere, and what lies between.
func (w *world) way(d dice, p *person, t *today) route {
	away := p.home
	if p.homeNet != nil && p.homeNet.six != "" {
		away = p.homeNet.host(d, p.subscriber) // privacy addresses change daily
	}
	if t.trip != nil {
		away = t.trip.stay.host(d, d.between(1, 0xfff0))
	} else {
		for _, x := range p.detours {
			if d.chance(x.chance) {
				away, t.atOffice = x.net.host(d, d.between(1, 0xfff0)), t.atOffice && d.chance(0.3)
			}
		}
	}
	desk := p.officeHost
	if site := w.siteOf(p.office); site != nil && !p.guest {
		desk = site.on(d, t.day)
	}
	begin, end := t.midnight.Add(7*time.Hour), t.midnight.Add(19*time.Hour)
	atOffice := t.atOffice
	base := func(at time.Time, _ *client) place {
		if atOffice && at.After(begin) && at.Before(end) {
			return desk
		}
		return away
	}
	for _, x := range p.habits {
		if x.net == nil || x.phone && !d.chance(0.5) || t.day < x.from || !d.chance(x.chance) || atOffice && x.net.kind != gateway {
			continue
		}
		return detoured(d, x, base)
	}
	return base
}

// detoured sends what a habit takes through its exits, which change every few hours.
func detoured(d dice, x habit, base route) route {
	seed := d.Uint64()
	return func(at time.Time, c *client) place {
		hour := throw(seed, uint64(at.Unix()/10800))
		switch {
		case x.web && (c == nil || c.manner == native || c.manner == commandLine):
			return base(at, c)
		case x.split && throw(seed, uint64(at.UnixNano())).chance(0.5):
			return base(at, c)
		}
		return x.net.host(hour, hour.between(1, 0xfff0))
	}
}

// work is what machines do while a person sits at one: clients start, pages load, tokens renew.
func (h *hand) work(s shift) {
	d, p := h.d, s.person
	own, page := p.natives[s.machine], p.pages[s.machine]
	if s.machine.id != "" && !s.machine.system.phone() && s.machine.system != macOS {
		h.open(own, s.route, signIn, s.from, s.to)
		if s.first && d.chance(0.4) {
			h.openly(own, s.route(s.from, signIn), signIn, s.from.Add(d.span(0, time.Minute)), "0", h.unlock(own, s.from), guid{})
		}
	} else {
		h.open(own, s.route, officeApps, s.from, s.to)
	}
	if page != own {
		h.open(page, s.route, officeHome, s.from, s.to)
	}
	clients := deskClients
	if s.machine.system == macOS {
		clients = macClients
	}
	if s.machine.system == linux {
		clients = nil
	}
	hours := s.to.Sub(s.from).Hours()
	h.besides(s)
	for i, c := range clients {
		if i > 2 && d.chance(0.4) {
			continue
		}
		if s.first {
			h.start(own, s.route, c, s.from.Add(d.span(20*time.Second, 12*time.Minute)))
		}
		for _, r := range some(d, 1+boolInt(d.chance(0.25*s.load)), c.resources) {
			if d.chance(0.26 * s.load) {
				h.renew(own, s.route, c, r, s.from, s.to)
			}
		}
	}
	for range int(hours*0.46*s.load + d.Float64()) {
		h.load(page, s.route, pick(d, pages), s.from.Add(d.span(0, s.to.Sub(s.from))), s.to)
	}
}

// besides are the clients that not everybody has.
func (h *hand) besides(s shift) {
	for _, c := range s.person.extras {
		if !h.d.chance(0.2) {
			continue
		}
		at := s.from.Add(h.d.span(0, s.to.Sub(s.from)))
		if c.manner == spa {
			h.load(s.person.pages[s.machine], s.route, c, at, s.to)
			continue
		}
		h.renew(s.person.natives[s.machine], s.route, c, pick(h.d, c.resources), at, s.to)
	}
}

// misjudge is Identity Protection on ordinary days: it finds travel and strange ways out unusual, and now and then
// nothing at all.
func (h *hand) misjudge(p *person, t today) {
	chance := 0.0012
	if t.trip != nil {
		chance = 0.08
	}
	for _, x := range p.habits {
		if x.net != nil && x.net.kind == anonymizer && t.day >= x.from {
			chance = 0.05
		}
	}
	if len(h.out) == 0 || !h.d.chance(chance) {
		return
	}
	if e := h.out[h.d.IntN(len(h.out))]; e.table <= silent && !e.copy {
		h.detect(e, pick(h.d, riskKinds), pick(h.d, []string{"low", "low", "medium", "high"}))
	}
}

// unlock is how a machine is unlocked in the morning: by what began its session.
func (h *hand) unlock(s *seat, at time.Time) []factor {
	if s.sessions[s.at(at)].method == helloForBusiness {
		return h.factorsOf(helloForBusiness)
	}
	return h.factorsOf(passwordOnly)
}

// start is a client that starts: it asks for all its tokens within seconds, under one CorrelationId.
func (h *hand) start(s *seat, from route, c *client, at time.Time) {
	correlation := h.d.guid()
	for _, r := range some(h.d, h.d.between(1, len(c.resources)), c.resources) {
		at = at.Add(h.d.span(200*time.Millisecond, 4*time.Second))
		h.silently(s, from(at, c), c, r, at, correlation)
	}
}

// renew keeps one token alive as long as the client runs: it lives for 60 to 90 minutes.
// https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes#access-tokens
func (h *hand) renew(s *seat, from route, c *client, r *resource, since, until time.Time) {
	life := h.d.span(60*time.Minute, 90*time.Minute)
	for at := since.Add(h.d.span(0, life)); at.Before(until); at = at.Add(life - h.d.span(0, 6*time.Minute)) {
		h.call(h.silently(s, from(at, c), c, r, at, guid{}))
		life = h.d.span(60*time.Minute, 90*time.Minute)
	}
}

// load is a page that loads in the browser: the page and the servers behind it redeem dozens of tokens within a minute
// under one CorrelationId. Those of the servers bear the address of the browser, and so do their renewals for as long
// as the page is open.
func (h *hand) load(s *seat, from route, c *client, at, until time.Time) {
	d := h.d
	here := from(at, c)
	correlation := d.guid()
	if d.chance(0.22) {
		h.openly(s, here, c, at, "0", nil, correlation)
	} else if d.chance(0.05) {
		h.openly(s, here, c, at, pick(d, []string{"50058", "50140", "16000", "50125"}), nil, correlation)
	}
	servers := append([]*client{c}, some(d, d.between(3, 8), backEnds)...)
	for _, x := range servers {
		for _, r := range some(d, d.between(1, min(3, len(x.resources))), x.resources) {
			at = at.Add(d.span(50*time.Millisecond, 3*time.Second))
			h.silently(s, here, x, r, at, correlation)
			if d.chance(0.2) {
				end := at.Add(d.span(0, 5*time.Hour))
				if end.After(until) {
					end = until
				}
				h.renew(s, fixed(here), x, r, at, end)
			}
		}
	}
}

// carry is the telephone, which is always on: at home, on the way, at the office.
func (h *hand) carry(p *person, t today) {
	m := p.phone
	if m == nil || p.phoneNet == nil || m.since.After(t.midnight.Add(12*time.Hour)) {
		return
	}
	own := p.natives[m]
	from, to := t.midnight.Add(h.d.span(5*time.Hour, 8*time.Hour)), t.midnight.Add(h.d.span(21*time.Hour, 25*time.Hour))
	way := h.w.pocket(h.d, p, t)
	h.open(own, way, outlookApp, from, to)
	rest := t.off
	for i, c := range phoneClients {
		if i > 1 && h.d.chance(0.8) || i == 1 && h.d.chance(0.45) {
			continue
		}
		for _, r := range c.resources[:1+boolInt(h.d.chance(0.2))] {
			h.naps(own, way, c, r, from, to, rest)
		}
	}
	if h.d.chance(0.25) {
		page := p.pages[m]
		at := from.Add(h.d.span(time.Hour, 13*time.Hour))
		h.open(page, way, officeHome, at.Add(-time.Minute), at.Add(time.Hour))
		h.load(page, way, pick(h.d, []*client{outlookWeb, siteWeb, officeHome}), at.Add(10*time.Minute), at.Add(20*time.Minute))
	}
}

// naps renews like renew, but a telephone sleeps: many renewals wait until it is looked at.
func (h *hand) naps(s *seat, from route, c *client, r *resource, since, until time.Time, rest bool) {
	for at := since; at.Before(until); at = at.Add(h.d.span(60*time.Minute, 90*time.Minute)) {
		if h.d.chance(0.35) {
			at = at.Add(h.d.span(time.Hour, 3*time.Hour))
		}
		if rest && h.d.chance(0.5) || !at.Before(until) {
			continue
		}
		h.call(h.silently(s, from(at, c), c, r, at, guid{}))
	}
}

// pocket is the route of the telephone. Its carrier gives it another address every hour or three.
func (w *world) pocket(d dice, p *person, t today) route {
	net := p.phoneNet
	if t.trip != nil && t.trip.cell != nil {
		net = t.trip.cell
	}
	seed := d.Uint64()
	span := int64(d.between(40, 200)) * 60
	wifi := d.chance(0.5)
	base := t.base
	private := route(nil)
	for _, x := range p.habits {
		if x.net != nil && x.phone && t.day >= x.from && d.chance(x.chance) {
			private = detoured(d, x, func(at time.Time, _ *client) place { return p.home })
		}
	}
	return func(at time.Time, c *client) place {
		hour := at.Sub(t.midnight).Hours()
		still := hour < 8 || hour > 19
		if private != nil && still {
			return private(at, c)
		}
		if still || wifi && hour > 9 && hour < 17 {
			return base(at, c)
		}
		a := throw(seed, uint64(at.Unix()/span))
		return net.host(a, a.between(1, 0xfff0))
	}
}

// serve are the renewals of what others' servers do in the person's name. The address is where the token was born.
func (h *hand) serve(p *person, t today) {
	for i := range p.services {
		s := &p.services[i]
		if s.seat == nil || t.day < s.day {
			continue
		}
		if s.day == t.day {
			h.consent(p, s.client, s.born, t.midnight.Add(time.Duration(p.begin)*time.Hour+h.d.span(0, 6*time.Hour)))
		}
		born := s.born
		if born.net == nil {
			born = t.base(t.midnight.Add(10*time.Hour), s.client)
		}
		from := t.midnight
		if s.day == t.day {
			from = from.Add(16 * time.Hour)
		}
		for at := from.Add(h.d.span(0, s.every)); at.Before(t.midnight.Add(daily)); at = at.Add(s.every + h.d.span(0, s.every/4)) {
			h.silently(s.seat, born, s.client, pick(h.d, s.client.resources), at, guid{})
		}
	}
}

// run are the command lines and programs of a day.
func (h *hand) run(p *person, t today) {
	for i := range p.scripts {
		s := &p.scripts[i]
		if t.day < s.from {
			continue
		}
		way := fixed(s.place)
		if s.place.net == nil {
			way = t.base
		}
		every, first := s.every, t.midnight.Add(time.Duration(s.hours[0])*time.Hour+s.offset)
		if every < 0 { // a person at a keyboard, not every day
			if t.off || h.d.chance(0.45) {
				continue
			}
			every = -every
			first = first.Add(h.d.span(0, 3*time.Hour))
		}
		last := t.midnight.Add(time.Duration(s.hours[1]) * time.Hour)
		h.open(s.seat, way, s.client, first, last)
		for at := first; at.Before(last); at = at.Add(every + h.d.span(0, every/3)) {
			h.command(s, way(at, s.client), at)
		}
	}
}

// command is one run of a program: a token or two, and what is done with them.
func (h *hand) command(s *script, from place, at time.Time) {
	resources := []*resource{s.to}
	if h.d.chance(0.2) {
		resources = append(resources, pick(h.d, s.client.resources))
	}
	for _, r := range resources {
		h.call(h.silently(s.seat, from, s.client, r, at, guid{}))
		at = at.Add(h.d.span(time.Second, 20*time.Second))
	}
}
