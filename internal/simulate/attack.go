package simulate

import (
	"fmt"
	"strings"
	"time"
)

// difficulty is how much an attacker takes care not to be seen.
type difficulty string

const (
	easy   difficulty = "easy"
	medium difficulty = "medium"
	hard   difficulty = "hard"
)

// scenario is a way in which tokens are stolen and used.
type scenario struct {
	name         string
	how          string // by which the token came into the wrong hands
	weight       int
	difficulties []difficulty
	undetectable bool
	fits         func(w *world, p *person) bool // nil: any employee with a laptop
	before       func(w *world, a *attacker)    // what happens to the victim, before sessions are planned
	act          func(a *attacker)
}

// plans are the scenarios that the options ask for, in order; nil stands for one that is drawn.
func (o Options) plans() ([]*scenario, error) {
	switch {
	case o.NoAttacks:
		return nil, nil
	case len(o.Scenarios) > 0:
		var out []*scenario
		for _, name := range o.Scenarios {
			s := scenarioNamed(name)
			if s == nil {
				return nil, fmt.Errorf("no scenario is called %q: there are %s", name, strings.Join(ScenarioNames(), ", "))
			}
			out = append(out, s)
		}
		if len(out) > o.Users {
			return nil, fmt.Errorf("%d scenarios need as many users, not %d", len(out), o.Users)
		}
		return out, nil
	case o.Incidents > 0:
		if o.Incidents > o.Users/2 {
			return nil, fmt.Errorf("at most half of the users are attacked: %d incidents need %d users", o.Incidents, 2*o.Incidents)
		}
		return make([]*scenario, o.Incidents), nil
	}
	return []*scenario{lesson}, nil
}

func scenarioNamed(name string) *scenario {
	for _, s := range scenarios {
		if s.name == name {
			return s
		}
	}
	return nil
}

// ScenarioNames are all scenarios, in the order of the table.
func ScenarioNames() []string {
	var out []string
	for _, s := range scenarios {
		out = append(out, s.name)
	}
	return out
}

// attacker is one who acts in a victim's name: a hand like everybody's, with networks and machines of its own.
type attacker struct {
	*hand
	scenario   *scenario
	difficulty difficulty
	victim     *person
	begin      time.Time // of the use of what was stolen
	end        time.Time
	exits      []place
	incident   Incident
}

// attack draws the victims, lets things happen to them, settles everybody's sessions, and then lets the attackers act.
func (w *world) attack(plans []*scenario) []Incident {
	var attackers []*attacker
	taken := map[*person]bool{}
	blind := 0
	for i, s := range plans {
		d := throw(w.opt.Seed, attackDice, uint64(i))
		for s == nil {
			s = drawScenario(d)
			if s.undetectable && blind >= len(plans)/10 {
				s = nil
			}
		}
		blind += boolInt(s.undetectable)
		p := w.victimOf(d, s, taken)
		if p == nil {
			continue
		}
		taken[p] = true
		a := &attacker{hand: &hand{w: w, d: d}, scenario: s, difficulty: pick(d, s.difficulties), victim: p}
		a.when()
		a.incident = Incident{ID: fmt.Sprintf("INC-%d", i+1), User: p.upn, UserID: p.id, Population: p.population, Scenario: s.name, Difficulty: string(a.difficulty), StolenHow: s.how, EventIDs: map[string][]string{}}
		a.hand.incident = &a.incident
		if s.before != nil {
			s.before(w, a)
		}
		attackers = append(attackers, a)
	}
	for _, p := range w.people {
		w.settle(p)
	}
	var out []Incident
	for _, a := range attackers {
		a.scenario.act(a)
		a.incident.sort()
		a.grade()
		a.incident.Detectable = a.incident.successes > 0 && !a.scenario.undetectable
		w.attacks = append(w.attacks, a.out...)
		if len(a.incident.EventIDs) > 0 {
			out = append(out, a.incident)
		}
	}
	return out
}

// grade corrects the difficulty by what was left: who leaves little is not easily found.
func (a *attacker) grade() {
	switch {
	case a.incident.successes < 4:
		a.incident.Difficulty = string(hard)
	case a.incident.successes < 10 && a.difficulty == easy:
		a.incident.Difficulty = string(medium)
	}
}

func drawScenario(d dice) *scenario {
	total := 0
	for _, s := range scenarios {
		total += s.weight
	}
	n := d.IntN(total)
	for _, s := range scenarios {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	return lesson
}

// victimOf draws somebody whom a scenario can happen to.
func (w *world) victimOf(d dice, s *scenario, taken map[*person]bool) *person {
	if s == lesson && !taken[w.people[0]] {
		return w.people[0]
	}
	for range 40 * len(w.people) {
		p := pick(d, w.people)
		usual := !p.guest && !p.noLaptop && p.from == 0 && p.until == w.days && p.holiday[1] == 0 && p.laptops[0].until.IsZero()
		if s.fits != nil {
			usual = s.fits(w, p)
		}
		if usual && !taken[p] {
			return p
		}
	}
	return nil
}

// when draws the time of an attack: after some days of history, for a day or many. Who takes care keeps the hours of
// the victim; others come when they come.
func (a *attacker) when() {
	d, w := a.d, a.w
	first := max(2, w.days/4)
	day := d.between(first, max(first, w.days-2))
	a.begin = w.day(day).Add(d.span(0, daily))
	if a.difficulty == hard {
		a.begin = w.day(day).Add(time.Duration(a.victim.begin-a.victim.city.utc)*time.Hour + d.span(0, 7*time.Hour))
	}
	length := map[difficulty][2]time.Duration{easy: {2 * time.Hour, 40 * time.Hour}, medium: {2 * time.Hour, 5 * daily}, hard: {daily, 14 * daily}}[a.difficulty]
	a.end = a.begin.Add(d.span(length[0], length[1]))
	if a.end.After(w.end) {
		a.end = w.end
	}
}

// from gives the attacker ways out: rented servers, VPNs, telephones, or homes of other people in the victim's city.
func (a *attacker) from(n int) {
	d, w := a.d, a.w
	kinds := map[difficulty][]kind{easy: {hosting, hosting, hosting, anonymizer, microsoft}, medium: {hosting, hosting, anonymizer, home, carrier, guestWifi}, hard: {home, home, carrier, guestWifi}}[a.difficulty]
	for range n {
		c := &cities[d.IntN(len(cities))]
		if a.difficulty == hard || a.difficulty == medium && d.chance(0.35) {
			c = a.victim.city
		}
		net := w.net.at(pick(d, kinds), c)
		a.exits = append(a.exits, net.host(d, d.between(1, 0xfff0)))
	}
}

// route changes the exit now and then, as a pool of proxies does; with one exit it stays.
func (a *attacker) route() route {
	seed, span := a.d.Uint64(), int64(a.d.span(30*time.Minute, 8*time.Hour)/time.Second)
	exits := a.exits
	return func(at time.Time, _ *client) place { return pick(throw(seed, uint64(at.Unix()/span)), exits) }
}

// laptop is the victim's machine.
func (a *attacker) laptop() *machine { return a.victim.laptops[0] }

// browser is the attacker's own, or one that looks like the victim's to the letter.
func (a *attacker) browser() *machine {
	if a.difficulty == hard {
		copied := *a.laptop()
		copied.id, copied.name, copied.bound = "", "", false
		return &copied
	}
	return newMachine(a.d, pick(a.d, []system{windows10, windows11, windows10, macOS, linux}), false)
}

// script is a program on a machine that nobody knows.
func (a *attacker) script() *machine {
	m := newMachine(a.d, pick(a.d, []system{linux, windows10, headless}), false)
	m.voice = []string{pick(a.d, scriptAgents)}
	if a.difficulty == hard {
		m = a.browser()
		m.voice = []string{m.browserAgent(a.w.dayOf(a.begin))}
	}
	return m
}

// steal copies the session that one of the victim's seats held a day before it is used: by then the victim has begun it.
func (a *attacker) steal(s *seat, m *machine) *seat {
	return s.stolen(a.begin.Add(-a.d.span(20*time.Hour, 30*time.Hour)), m)
}

func (a *attacker) page() *seat   { return a.victim.pages[a.laptop()] }
func (a *attacker) native() *seat { return a.victim.natives[a.laptop()] }

// visits are the times at which the attacker is there.
func (a *attacker) visits(often time.Duration, lo, hi time.Duration) []shift {
	var out []shift
	for at := a.begin; at.Before(a.end); {
		to := at.Add(a.d.span(lo, hi))
		out = append(out, shift{from: at, to: to})
		at = to.Add(a.d.span(often/3, often*2))
		if a.difficulty == hard { // only while the victim works
			clock := (at.Hour() + a.victim.city.utc + 24) % 24
			if clock < a.victim.begin || clock >= a.victim.end {
				at = at.Truncate(daily).Add(time.Duration(a.victim.begin-a.victim.city.utc)*time.Hour + a.d.span(0, 5*time.Hour))
				if at.Before(to) {
					at = at.Add(daily)
				}
			}
		}
	}
	return out
}

// browse is a visit in a browser: pages load and go on renewing, as they do for everybody.
func (a *attacker) browse(s *seat, way route, v shift) {
	for range 1 + int(v.to.Sub(v.from).Hours()*0.7) {
		at := v.from.Add(a.d.span(0, v.to.Sub(v.from)/2))
		a.load(s, way, pick(a.d, []*client{outlookWeb, officeHome, siteWeb, teamsWeb, shell}), at, v.to)
	}
}

// clients are the ordinary programs into which a token was imported.
func (a *attacker) clients(s *seat, way route, v shift, list []*client) {
	for _, c := range list {
		a.start(s, way, c, v.from.Add(a.d.span(0, 5*time.Minute)))
		for _, r := range some(a.d, a.d.between(1, 2), c.resources) {
			a.renew(s, way, c, r, v.from, v.to)
		}
	}
}

// enumerate trades one token for those of every client of the family, and asks for what it does not get too.
func (a *attacker) enumerate(s *seat, way route, at time.Time, n int) {
	for _, c := range some(a.d, n, familyShop) {
		for _, r := range some(a.d, a.d.between(1, 3), append([]*resource{graph, directory, management, vault}, c.resources...)) {
			at = at.Add(a.d.span(300*time.Millisecond, 40*time.Second))
			a.call(a.silently(s, way(at, c), c, r, at, guid{}))
		}
	}
}

// bulk is a program at work: dozens of redemptions an hour.
func (a *attacker) bulk(s *seat, way route, c *client, r *resource, from, to time.Time, hourly int) {
	pause := time.Hour / time.Duration(hourly)
	for at := from; at.Before(to); at = at.Add(a.d.span(pause/4, 2*pause)) {
		a.call(a.silently(s, way(at, c), c, r, at, guid{}))
	}
}

// alarmed lets Identity Protection see some of it, mostly late.
func (a *attacker) alarmed() {
	chance := map[difficulty]float64{easy: 0.5, medium: 0.25, hard: 0.06}[a.difficulty]
	if len(a.out) == 0 || !a.d.chance(chance) {
		return
	}
	e := a.out[a.d.IntN(len(a.out))]
	if e.table <= silent {
		a.detect(e, pick(a.d, riskKinds), pick(a.d, []string{"low", "medium", "high"}))
	}
}

// own is a hand for what the victim does of it: those rows are nobody's crime.
func (a *attacker) own() *hand { return &hand{w: a.w, d: a.d} }

// rehearsed are the events of the victim's life on a day, as they will be: a copy of the person lives until then.
func (a *attacker) rehearsed(day int) []*event {
	p := *a.victim
	p.natives, p.pages, p.seats = map[*machine]*seat{}, map[*machine]*seat{}, nil
	copies := map[*seat]*seat{}
	twin := func(s *seat) *seat {
		if s != nil && copies[s] == nil {
			c := *s
			c.sessions = append([]session(nil), s.sessions...)
			copies[s] = &c
		}
		return copies[s]
	}
	for m, s := range a.victim.natives {
		p.natives[m] = twin(s)
	}
	for m, s := range a.victim.pages {
		p.pages[m] = twin(s)
	}
	p.scripts, p.services = append([]script(nil), p.scripts...), append([]service(nil), p.services...)
	for i := range p.scripts {
		p.scripts[i].seat = twin(p.scripts[i].seat)
	}
	for i := range p.services {
		p.services[i].seat = twin(p.services[i].seat)
	}
	var out []*event
	for n := range day + 1 {
		out = a.w.live(&p, n)
	}
	return out
}
