// Package simulate owns the synthetic tenant: people with their habits, those who steal their tokens, the evidence that
// Entra would have logged of both, and the answer key. The same seed gives the same bytes. It is a laboratory: whoever
// writes rules must not be able to win by what is artificial in it, so attackers act by the same hand as everybody.
package simulate

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

// Options choose a tenant.
type Options struct {
	Seed uint64
	// Users is how many people the tenant has; 12 when zero.
	Users int
	// Days is how long the evidence is; 14 when zero.
	Days int
	// End is the end of the evidence; 2026-03-21T09:30:00Z when zero.
	End time.Time
	// Scenarios are the attacks by name, one each. Without them and without Incidents the tenant has the one of the
	// founding lesson.
	Scenarios []string
	// Incidents is how many attacks of all scenarios are drawn.
	Incidents int
	// NoAttacks makes a tenant to which nothing happens.
	NoAttacks bool
	// Table is the only one whose rows are written; all are when it is empty.
	Table string
}

// Tenant is a synthetic tenant. Its evidence is made while it is written, a day at a time.
type Tenant struct {
	Domain string
	Key    AnswerKey
	world  *world
	tables []schema.Table
}

// The kinds of dice.
const (
	worldDice uint64 = iota + 1
	personDice
	settleDice
	lifeDice
	attackDice
	tableDice
	callDice
)

// world is what a tenant is made of.
type world struct {
	opt        Options
	d          dice
	net        *internet
	start, end time.Time
	days       int
	domain     string
	tenantID   string
	workspace  string
	synced     bool // passwords are synchronised from a directory of the company's own
	strictness uint64
	policies   policies
	offices    []*site
	vpn        *network
	gateway    *network
	relays     []*network
	carriers   map[string][]*network
	desks      []*machine
	kiosks     []*machine
	desktops   []*machine
	desktopNet place
	partners   []string
	thirdParty []*client
	principals []*robot
	sanctioned []sanction
	accounts   map[string]bool
	people     []*person
	attacks    []*event
	// servicePrincipals are the tenant's, by application: texts. Several goroutines ask for them.
	servicePrincipals sync.Map

	quiet bool // people have the habits of their population alone

	premium    bool // Entra ID P2: risk is shown
	graphLogs  bool
	officeLogs bool
}

// sanction is a script that the tenant knows of.
type sanction struct{ user, app, address string }

// site is an office. Its provider may change.
type site struct {
	city  *city
	net   *network
	hosts []place
	moved *network // the provider from day on
	day   int
}

// on is the address of an office on a day.
func (s *site) on(d dice, day int) place {
	if s.moved != nil && day >= s.day {
		return place{s.moved, s.moved.four[0] + "." + fmt.Sprint(2+d.IntN(2))}
	}
	return pick(d, s.hosts)
}

// Generate plans a tenant. Its answer key is complete; its rows are made when they are asked for.
func Generate(opt Options) (*Tenant, error) {
	if opt.Users == 0 {
		opt.Users = 12
	}
	if opt.Days == 0 {
		opt.Days = 14
	}
	if opt.End.IsZero() {
		opt.End = time.Date(2026, 3, 21, 9, 30, 0, 0, time.UTC)
	}
	if opt.Users < 2 || opt.Users > 200000 || opt.Days < 7 || opt.Days > 365 {
		return nil, fmt.Errorf("a tenant has 2 to 200000 users and 7 to 365 days, not %d and %d", opt.Users, opt.Days)
	}
	plans, err := opt.plans()
	if err != nil {
		return nil, err
	}
	all, err := schema.Load(tables.FS)
	if err != nil {
		return nil, err
	}
	w := newWorld(opt)
	t := &Tenant{Domain: w.domain, world: w, tables: all, Key: AnswerKey{SchemaVersion: 1, Seed: opt.Seed, Incidents: []Incident{}, Benign: []Benign{}}}
	w.populate(plans)
	t.Key.Incidents = w.attack(plans)
	victims := map[string]bool{}
	for _, i := range t.Key.Incidents {
		victims[i.User] = true
	}
	for _, p := range w.people {
		if !victims[p.upn] {
			t.Key.Benign = append(t.Key.Benign, Benign{User: p.upn, Population: p.population})
		}
	}
	t.Key.count()
	return t, nil
}

// newWorld makes all that people share.
func newWorld(opt Options) *world {
	d := throw(opt.Seed, worldDice)
	w := &world{opt: opt, d: d, net: newInternet(d), days: opt.Days + 1, end: opt.End, carriers: map[string][]*network{}, accounts: map[string]bool{}}
	w.start = opt.End.Truncate(daily).AddDate(0, 0, -opt.Days)
	w.tenantID, w.workspace = d.guidText(), d.guidText()
	w.domain = pick(d, []string{"northgate", "harbourlight", "meridianworks", "fennimore", "oakline", "castleford", "brightwater", "stonebridge", "larkfield", "westmere"}) + pick(d, []string{".example", ".test", ".example.com", ".example.net"})
	w.synced, w.strictness = d.chance(0.5), d.Uint64()
	w.policies = newPolicies(d)
	w.graphLogs, w.officeLogs, w.premium = d.chance(0.75), d.chance(0.75), throw(opt.Seed, worldDice, 1).chance(0.7)
	where := &cities[d.IntN(21)]
	for i := range 1 + min(4, opt.Users/150) {
		c := where
		if i > 0 {
			c = w.net.cityOf(where.country)
			if d.chance(0.25) {
				c = &cities[d.IntN(len(cities))]
			}
		}
		w.offices = append(w.offices, w.newSite(c, i))
	}
	w.vpn = w.net.at(office, where)
	w.gateway = w.net.at(gateway, where)
	if d.chance(0.7) {
		w.vpn.named = "Remote access"
		w.vpn.render()
	}
	for range 3 {
		w.relays = append(w.relays, w.net.at(relay, w.net.cityOf(where.country)))
	}
	for range max(3, opt.Users/40) {
		w.desks = append(w.desks, newMachine(d, windows11, true))
		w.kiosks = append(w.kiosks, newMachine(d, windows10, true))
	}
	for range max(1, opt.Users/200) {
		w.desktops = append(w.desktops, newMachine(d, windows11, true))
	}
	w.desktopNet = w.net.at(pick(d, []kind{microsoft, hosting}), w.net.cityOf(where.country)).only4(d)
	for range 3 {
		w.partners = append(w.partners, d.guidText())
	}
	w.robots(d)
	return w
}

func (w *world) newSite(c *city, i int) *site {
	s := &site{city: c, net: w.net.at(office, c)}
	if w.d.chance(0.7) {
		s.net.named = pick(w.d, []string{"Head office", "Office", "HQ egress", "Branch"})
		s.net.render()
	}
	for range w.d.between(1, 3) {
		s.hosts = append(s.hosts, s.net.only4(w.d))
	}
	if w.d.chance(0.2) && i == 0 && w.opt.Users >= 40 {
		s.moved, s.day = w.net.at(office, c), w.d.between(w.days/4, w.days-2)
	}
	return s
}

func (w *world) siteOf(n *network) *site {
	for _, s := range w.offices {
		if s.net == n {
			return s
		}
	}
	return nil
}

// carriersIn are the mobile networks of a city.
func (w *world) carriersIn(c *city) []*network {
	if w.carriers[c.country] == nil {
		for range 3 {
			w.carriers[c.country] = append(w.carriers[c.country], w.net.at(carrier, c))
		}
	}
	return w.carriers[c.country]
}

// populate makes the people. A small tenant has the populations in turn, a large one by their weights.
func (w *world) populate(plans []*scenario) {
	list := populations
	if len(plans) == 1 && plans[0] == lesson {
		list = w.class()
	}
	total := 0
	for _, p := range list {
		total += p.weight
	}
	for i := range w.opt.Users {
		pop := list[i%len(list)]
		if i >= len(list) {
			n := w.d.IntN(total)
			for _, p := range list {
				if n -= p.weight; n < 0 {
					pop = p
					break
				}
			}
		}
		w.people = append(w.people, w.newPerson(i, pop))
	}
}

// class is the tenant of the founding lesson: the victim and a few quiet people, so that a beginner sees the one story.
func (w *world) class() []population {
	w.quiet, w.graphLogs, w.officeLogs = true, false, false
	victim := population{"office-worker", 0, func(w *world, d dice, p *person) {
		p.name, p.upn = "R Williams", "r.williams@"+w.domain
		p.laptops = []*machine{newMachine(d, windows11, true)}
		p.homeDays = 0.2
	}}
	out := []population{victim}
	for _, p := range populations {
		if slices.Contains([]string{"office-worker", "hybrid-worker", "mobile", "traveller", "new-laptop", "vpn", "administrator", "sanctioned-script", "guest", "several-laptops", "month-end"}, p.name) {
			out = append(out, p)
		}
	}
	return out
}

// day is the midnight in UTC that begins a day of the evidence.
func (w *world) day(n int) time.Time { return w.start.AddDate(0, 0, n) }

// dayOf is the day of the evidence on which something happens.
func (w *world) dayOf(t time.Time) int { return int(t.Sub(w.start) / daily) }

// strong says whether the tenant's policies ask for a second factor: always the same for a client and a resource.
func (w *world) strong(c *client, r *resource) bool {
	h := w.strictness
	for _, b := range []byte(c.id[:8] + r.id[:8] + r.id[9:13]) {
		h = mix(h ^ uint64(b))
	}
	return h%100 < 45
}

// due is an event that waits for its arrival.
type due struct {
	arrival int64 // in nanoseconds since 1970: quick to compare
	*event
}

// each makes the events in the order of their arrival, a day at a time: what has not arrived by the end of a day waits.
func (w *world) each(yield func(day []due) error) error {
	attacks := slices.Clone(w.attacks)
	var waiting []due
	await := func(events []*event) {
		for _, e := range events {
			if w.opt.Table != "" && w.opt.Table != tableNames[e.table] {
				continue
			}
			waiting = append(waiting, due{e.arrival.UnixNano(), e})
		}
	}
	for day := range w.days {
		for _, p := range w.people {
			await(w.live(p, day))
		}
		await(w.operate(day))
		night := w.day(day + 1)
		attacks = slices.DeleteFunc(attacks, func(e *event) bool {
			today := e.at.Before(night)
			if today {
				await([]*event{e})
			}
			return today
		})
		slices.SortFunc(waiting, func(a, b due) int {
			if c := cmp.Compare(a.arrival, b.arrival); c != 0 {
				return c
			}
			return bytes.Compare(a.id[:], b.id[:])
		})
		arrived := len(waiting)
		if day < w.days-1 {
			// Whoever is west of Greenwich goes on living this day after its end in UTC, and whoever is east began early.
			end := night.Add(-14 * time.Hour).UnixNano()
			arrived, _ = slices.BinarySearchFunc(waiting, end, func(d due, end int64) int { return cmp.Compare(d.arrival, end) })
		}
		if err := yield(waiting[:arrived]); err != nil {
			return err
		}
		waiting = append([]due(nil), waiting[arrived:]...)
	}
	return nil
}
