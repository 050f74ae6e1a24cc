package simulate

import (
	"fmt"
	"strings"
	"time"
)

// person is somebody, or something, with an account.
type person struct {
	index          int
	upn, name, id  string
	population     string
	guest          bool
	access         string // across tenants, as Entra calls it; empty for the tenant's own people
	homeTenant     string
	city           *city
	office         *network
	officeHost     place
	home           place
	homeNet        *network
	phoneNet       *network
	subscriber     int
	laptops        []*machine
	phone          *machine
	begin, end     int     // hours of work on the person's clock
	load           float64 // how much the person does, 1 is usual
	homeDays       float64 // the share of working days at home
	nights         []int   // days with work until late
	shifts         bool
	from, until    int // first and last day of the person here
	holiday        [2]int
	trips          []trip
	habits         []habit
	scripts        []script
	extras         []*client // what the person uses besides everyday's
	services       []service
	seats          []*seat
	natives, pages map[*machine]*seat
	detours        []detour
	controls       []control
	alwaysOn       bool
	shared         bool // signs in at machines of others, for a short while
	noLaptop       bool
	withoutWeekend bool
}

// trip is some days at another place.
type trip struct {
	from, to int
	city     *city
	stay     *network
	cell     *network // what the telephone is on there; nil where its own carrier takes the traffic home
}

// habit is another way out to the internet that a person's work takes on some days.
type habit struct {
	net    *network
	chance float64
	// split: only part of the traffic takes it, at the same time. web: only the browser does.
	split, web, phone bool
	from              int // from this day on
}

// script is a program that runs as the person.
type script struct {
	seat   *seat
	place  place
	client *client
	to     *resource
	every  time.Duration
	offset time.Duration
	hours  [2]int
	from   int
}

// service is somebody else's application that the person let in: its server renews, from where the token was born.
type service struct {
	client *client
	born   place
	every  time.Duration
	day    int // of the consent; negative: before the evidence
	seat   *seat
}

// detour is a place that a person works at now and then.
type detour struct {
	net    *network
	chance float64
}

// control is what somebody did against an account, or for it.
type control struct {
	at     time.Time
	action string // reset, change, revoke, disable
	by     *person
}

// population is a kind of people with what makes it hard.
type population struct {
	name   string
	weight int
	shape  func(w *world, d dice, p *person)
}

// populations are all kinds of people. A tenant has each of them if it is large enough.
var populations = []population{
	{"office-worker", 26, func(*world, dice, *person) {}},
	{"hybrid-worker", 16, func(_ *world, d dice, p *person) { p.homeDays = 0.3 + d.Float64()*0.5 }},
	{"mobile", 9, shapeMobile},
	{"traveller", 4, shapeTraveller},
	{"new-laptop", 2, shapeNewLaptop},
	{"new-hire", 2, shapeNewHire},
	{"vpn", 5, func(w *world, d dice, p *person) { p.homeDays = 0.7; p.habit(w.vpn, 0.8) }},
	{"secure-web-gateway", 4, func(w *world, d dice, p *person) { p.homeDays = 0.5; p.habit(w.gateway, 0.95) }},
	{"icloud-relay", 2, func(w *world, d dice, p *person) { p.setPhone(d, iOS); p.relay(w, d) }},
	{"consumer-vpn", 4, shapeConsumerVPN},
	{"split-tunnel", 3, func(w *world, d dice, p *person) {
		p.homeDays = 0.8
		p.habits = append(p.habits, habit{net: w.vpn, chance: 0.9, split: true})
	}},
	{"third-place", 3, shapeThirdPlace},
	{"hot-desk", 2, shapeHotDesk},
	{"kiosk", 2, shapeKiosk},
	{"virtual-desktop", 2, shapeVirtualDesktop},
	{"administrator", 2, shapeAdmin},
	{"developer", 4, shapeDeveloper},
	{"sanctioned-script", 1, shapeScript(true)},
	{"unsanctioned-script", 1, shapeScript(false)},
	{"third-party-apps", 4, shapeThirdParty},
	{"profile-rebuild", 1, shapeRebuild},
	{"month-end", 2, shapeMonthEnd},
	{"guest", 3, shapeGuest},
	{"room", 1, shapeRoom},
	{"password-change", 2, shapePasswordChange},
	{"leaver", 1, shapeLeaver},
	{"msp-technician", 1, shapeTechnician},
	{"several-laptops", 2, func(w *world, d dice, p *person) { p.addLaptop(d, pick(d, []system{macOS, windows11}), true) }},
	{"own-device", 2, func(w *world, d dice, p *person) {
		p.addLaptop(d, pick(d, []system{macOS, windows11, windows10, linux}), false)
	}},
	{"copilot", 3, shapeCopilot},
	{"shift-worker", 3, func(_ *world, d dice, p *person) { p.shifts = true }},
	{"holiday", 2, func(w *world, d dice, p *person) {
		from := d.between(0, max(0, w.days-6))
		p.holiday = [2]int{from, from + d.between(4, 14)}
	}},
}

func (p *person) habit(net *network, chance float64) {
	p.habits = append(p.habits, habit{net: net, chance: chance})
}

func (p *person) relay(w *world, d dice) {
	p.habits = append(p.habits, habit{net: pick(d, w.relays), chance: 0.95, web: true, phone: true})
}

func shapeMobile(w *world, d dice, p *person) {
	p.setPhone(d, pick(d, []system{iOS, android}))
	p.phoneNet = w.net.at(carrier, p.city)
	p.load *= 1.2
	p.detours = append(p.detours, detour{w.net.at(carrier, p.city), 0.3})
	p.homeDays = 0.3
}

func shapeTraveller(w *world, d dice, p *person) {
	for range d.between(1, 3) {
		c := w.net.elsewhere(d, p.city)
		from := d.between(0, max(1, w.days-2))
		p.trips = append(p.trips, w.trip(d, c, from, from+d.between(1, 5)))
	}
}

func (w *world) trip(d dice, c *city, from, to int) trip {
	t := trip{from: from, to: to, city: c, stay: w.net.at(guestWifi, c)}
	if d.chance(0.5) {
		t.cell = pick(d, w.carriersIn(c))
	}
	return t
}

func shapeNewLaptop(w *world, d dice, p *person) {
	day := d.between(w.days/3, max(w.days/3, w.days-2))
	at := w.day(day).Add(time.Duration(p.begin-p.city.utc) * time.Hour)
	p.laptops[0].until = at
	p.addLaptop(d, windows11, true)
	p.laptops[1].since = at.Add(d.span(time.Hour, 3*time.Hour))
}

func shapeNewHire(w *world, d dice, p *person) {
	p.from = d.between(1, max(1, w.days*3/4))
	p.laptops[0].since = w.day(p.from)
	if p.phone != nil {
		p.phone.since = w.day(p.from + d.between(0, 2))
	}
}

func shapeConsumerVPN(w *world, d dice, p *person) {
	p.homeDays = 0.5
	for range d.between(1, 3) {
		c := &cities[d.IntN(len(cities))]
		p.habits = append(p.habits, habit{net: w.net.at(anonymizer, c), chance: 0.15 + 0.5*d.Float64(), from: max(0, d.between(-10, w.days-1)), phone: d.chance(0.3)})
	}
}

func shapeThirdPlace(w *world, d dice, p *person) {
	for range d.between(2, 5) {
		p.detours = append(p.detours, detour{w.net.at(guestWifi, p.city), 0.15})
	}
	p.detours = append(p.detours, detour{p.phoneNet, 0.2}) // tethering
	p.homeDays = 0.5
}

func shapeHotDesk(w *world, d dice, p *person) {
	p.laptops = some(d, 3, w.desks)
	p.noLaptop, p.shared = true, true
}

func shapeKiosk(w *world, d dice, p *person) {
	p.laptops = some(d, 2, w.kiosks)
	p.noLaptop, p.shared, p.shifts = true, true, d.chance(0.5)
	p.load *= 0.5
}

// shapeVirtualDesktop gives a person a desktop in a data centre, which several people share, besides the laptop.
func shapeVirtualDesktop(w *world, d dice, p *person) {
	p.laptops = append(p.laptops, pick(d, w.desktops))
	p.homeDays = 0.6
}

func shapeAdmin(w *world, d dice, p *person) {
	for _, c := range some(d, d.between(2, 4), shells) {
		p.tool(w, d, c, place{})
	}
	if d.chance(0.4) && !w.quiet { // a jump host in the cloud
		p.tool(w, d, pick(d, shells), w.server(d, w.net.cityOf(p.city.country)))
	}
	p.nights = some(d, d.between(1, 5), upTo(w.days))
	p.extras = append(p.extras, azure, ibiza, mySignIns)
}

func shapeDeveloper(w *world, d dice, p *person) {
	if d.chance(0.3) {
		p.addLaptop(d, linux, false)
	}
	for _, c := range some(d, d.between(1, 3), []*client{azureCLI, code, graphCLI, azurePS}) {
		p.tool(w, d, c, place{})
	}
	if d.chance(0.35) { // a machine in the cloud, signed in by device code
		p.tool(w, d, azureCLI, w.server(d, &cities[d.IntN(len(cities))]))
	}
	p.nights = some(d, d.between(2, 8), upTo(w.days))
	p.extras = append(p.extras, some(d, 2, []*client{azure, ibiza, explorer})...)
}

// shapeScript gives a person a program that runs in their name, from the company or from the cloud. A sanctioned one is
// in the tenant's list.
func shapeScript(sanctioned bool) func(*world, dice, *person) {
	return func(w *world, d dice, p *person) {
		from := p.officeHost
		if d.chance(0.6) {
			from = w.server(d, &cities[d.IntN(len(cities))])
		}
		c := pick(d, []*client{azureCLI, graphCLI, azurePS, officeApps})
		m := newMachine(d, pick(d, []system{linux, windows10, headless}), false)
		m.voice = []string{pick(d, scriptAgents)}
		s := script{
			seat: w.seat(p, m, 20, 90, passwordAndPush), place: from, client: c, to: pick(d, c.resources),
			every: d.span(20*time.Minute, 12*time.Hour), offset: d.span(0, time.Hour), hours: [2]int{0, 24}, from: w.beginning(d, 2),
		}
		if s.place.net.kind != office {
			s.seat.transfer = pick(d, []string{"", "deviceCodeFlow"})
		}
		p.scripts = append(p.scripts, s)
		if sanctioned {
			w.sanctioned = append(w.sanctioned, sanction{p.upn, c.id, s.place.address})
		}
	}
}

func shapeThirdParty(w *world, d dice, p *person) {
	for range d.between(1, 4) {
		p.letIn(w, d, pick(d, w.thirdParty), d.between(-60, w.days-1))
	}
}

func shapeRebuild(w *world, d dice, p *person) {
	p.laptops[0].until = w.day(d.between(2, max(2, w.days-1))).Add(d.span(9*time.Hour, 12*time.Hour))
	again := *p.laptops[0]
	again.id, again.since, again.until = d.guidText(), again.until.Add(d.span(time.Hour, 2*time.Hour)), time.Time{}
	p.laptops = append(p.laptops, &again)
}

func shapeMonthEnd(w *world, d dice, p *person) {
	for day := range w.days {
		if date := w.day(day); date.Day() >= 27 || date.Day() <= 2 {
			p.nights = append(p.nights, day)
		}
	}
	p.load *= 1.3
}

func shapeGuest(w *world, d dice, p *person) {
	p.guest, p.access, p.homeTenant = true, "b2bCollaboration", pick(d, w.partners)
	p.officeHost = p.home
	p.homeDays, p.load = 1, p.load*0.3
	p.laptops[0].id = ""
}

func shapeRoom(w *world, d dice, p *person) {
	p.name = "Room " + pick(d, []string{"Aspen", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Maple", "Oak", "Rowan"})
	p.laptops = nil
	p.noLaptop = true
	m := newMachine(d, android, true)
	m.name, m.trust, m.managed = "MTR-"+m.id[:6], "Azure AD registered", true
	p.phone = m
	p.phoneNet = nil
	m.voice = []string{pick(d, roomAgent.agents)}
	s := w.seat(p, m, 60, 200, passwordOnly)
	s.transfer = "deviceCodeFlow"
	for _, r := range roomAgent.resources {
		p.scripts = append(p.scripts, script{seat: s, place: p.officeHost, client: roomAgent, to: r, every: d.span(55*time.Minute, 80*time.Minute), hours: [2]int{0, 24}})
	}
}

func shapePasswordChange(w *world, d dice, p *person) {
	at := w.day(d.between(1, max(1, w.days-1))).Add(d.span(8*time.Hour, 17*time.Hour))
	p.controls = append(p.controls, control{at, pick(d, []string{"change", "change", "reset", "reset", "revoke"}), p})
}

func shapeLeaver(w *world, d dice, p *person) {
	p.until = d.between(w.days/3, max(w.days/3, w.days-2))
	p.controls = append(p.controls, control{w.day(p.until).Add(d.span(16*time.Hour, 19*time.Hour)), "disable", nil})
}

func shapeTechnician(w *world, d dice, p *person) {
	p.guest, p.access, p.homeTenant = true, "serviceProvider", pick(d, w.partners)
	p.officeHost = w.net.at(office, &cities[d.IntN(len(cities))]).only4(d)
	p.load *= 0.4
	for _, c := range some(d, 2, shells) {
		p.tool(w, d, c, place{})
	}
	p.tool(w, d, graphCLI, w.server(d, p.city))
	p.laptops[0].id = ""
}

// shapeCopilot gives a person an agent that works in their name: its back end redeems where its page was opened.
func shapeCopilot(w *world, d dice, p *person) {
	p.load *= 1.3
	p.services = append(p.services, service{client: chat, every: d.span(15*time.Minute, 50*time.Minute), day: -1, seat: w.seat(p, p.laptops[0], 5, 30, passwordAndPush)})
}

// server is a rented machine.
func (w *world) server(d dice, c *city) place {
	return w.net.at(pick(d, []kind{hosting, hosting, microsoft}), c).host(d, d.between(1, 0xfff0))
}

// beginning is the day on which a habit begins; that of most is before the evidence, by so many times its length.
func (w *world) beginning(d dice, before int) int {
	if day := d.between(-before*w.days, w.days-2); day > 0 && !w.quiet {
		return day
	}
	return 0
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// setPhone gives a person a telephone.
func (p *person) setPhone(d dice, s system) { p.phone = newMachine(d, s, d.chance(0.85)) }

func (p *person) addLaptop(d dice, s system, registered bool) {
	p.laptops = append(p.laptops, newMachine(d, s, registered))
}

// tool lets a person use a command line, from where the person works or from a server.
func (p *person) tool(w *world, d dice, c *client, server place) {
	own := *p.laptops[0]
	m := &own
	if server.net != nil {
		m = newMachine(d, pick(d, []system{linux, headless}), false)
	}
	m.voice = []string{pick(d, c.agents)}
	if c == azureCLI && d.chance(0.3) || server.net != nil && d.chance(0.4) {
		m.voice = []string{pick(d, scriptAgents)}
	}
	s := script{client: c, to: pick(d, c.resources), every: -d.span(time.Hour, 6*time.Hour), hours: [2]int{p.begin, p.end}, from: w.beginning(d, 3)}
	s.seat = w.seat(p, m, 2, 20, passwordAndPush)
	if server.net != nil {
		s.place, s.seat.transfer = server, "deviceCodeFlow"
		if d.chance(0.5) { // a job on the server renews by night too
			s.every, s.hours = -s.every, [2]int{0, 24}
		}
	}
	p.scripts = append(p.scripts, s)
}

// letIn consents to an application of somebody else's.
func (p *person) letIn(w *world, d dice, c *client, day int) {
	born := p.officeHost
	if d.chance(0.4) {
		born = p.home
	}
	m := &machine{voice: []string{""}}
	if d.chance(0.45) {
		m.voice = []string{pick(d, serverAgents)}
	}
	p.services = append(p.services, service{client: c, born: born, every: d.span(40*time.Minute, 10*time.Hour), day: day, seat: w.seat(p, m, 30, 200, passwordAndPush)})
}

var (
	givenNames  = []string{"Aisha", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hana", "Ivan", "Julia", "Karim", "Lena", "Marco", "Nora", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Tessa", "Umar", "Vera", "Wendy", "Yusuf", "Zoe"}
	familyNames = []string{"Taylor", "Okafor", "Singh", "Murphy", "Novak", "Larsen", "Garcia", "Hughes", "Petrov", "Chen", "Adeyemi", "Rossi", "Walker", "Kim", "Dubois", "Baker", "Costa", "Ito", "Meyer", "Evans", "Haddad", "Nowak", "Silva", "Berg", "Moreau", "Khan", "Fischer", "Jansen", "Reid", "Osei"}
)

// newPerson is an ordinary employee; a population makes more of them.
func (w *world) newPerson(index int, pop population) *person {
	d := throw(w.opt.Seed, personDice, uint64(index))
	p := &person{index: index, id: d.guidText(), population: pop.name, homeTenant: w.tenantID, until: w.days}
	given, family := pick(d, givenNames), pick(d, familyNames)
	p.name = given + " " + family
	p.upn = w.account(given, family)
	site := w.offices[0]
	if len(w.offices) > 1 && d.chance(0.4) {
		site = pick(d, w.offices[1:])
	}
	p.city, p.office, p.officeHost = site.city, site.net, pick(d, site.hosts)
	p.subscriber = d.between(1, 0xfff0)
	p.homeNet = w.net.at(home, p.city)
	p.home = p.homeNet.host(d, p.subscriber)
	p.phoneNet = pick(d, w.carriersIn(p.city))
	p.begin = d.between(7, 9)
	p.end = p.begin + d.between(8, 10)
	p.load = 0.7 + 0.9*d.Float64()*d.Float64()
	p.homeDays = 0.1 * d.Float64()
	p.alwaysOn = d.chance(0.12)
	p.withoutWeekend = d.chance(0.5)
	p.laptops = []*machine{newMachine(d, pick(d, []system{windows11, windows11, windows11, windows10, macOS}), true)}
	if d.chance(0.7) {
		p.setPhone(d, pick(d, []system{iOS, android}))
	}
	if !w.quiet {
		w.season(d, p)
	}
	pop.shape(w, d, p)
	w.sit(p)
	return p
}

// season gives ordinary people a little of what populations have much of.
func (w *world) season(d dice, p *person) {
	p.extras = some(d, d.between(0, 3), []*client{toDo, powerBI, flow, companyApp, authApp, outlookApp})
	if d.chance(0.08) {
		c := &cities[d.IntN(len(cities))]
		from := d.between(0, w.days-1)
		p.trips = append(p.trips, w.trip(d, c, from, from+d.between(0, 3)))
	}
	if d.chance(0.15) {
		p.detours = append(p.detours, detour{w.net.at(guestWifi, p.city), 0.06})
	}
	if d.chance(0.1) {
		p.relay(w, d)
	}
	if d.chance(0.06) {
		p.habits = append(p.habits, habit{net: w.net.at(anonymizer, &cities[d.IntN(len(cities))]), chance: 0.25, from: max(0, d.between(-w.days, w.days-1)), phone: d.chance(0.5)})
	}
	if d.chance(0.25) {
		p.letIn(w, d, pick(d, w.thirdParty), d.between(-90, w.days-1))
	}
	if d.chance(0.04) {
		shapePasswordChange(w, d, p)
	}
	if d.chance(0.08) {
		p.nights = some(d, d.between(1, 3), upTo(w.days))
	}
}

// sit gives a person the seats at the machines.
func (w *world) sit(p *person) {
	p.natives, p.pages = map[*machine]*seat{}, map[*machine]*seat{}
	all := p.laptops
	if p.phone != nil {
		all = append(append([]*machine(nil), all...), p.phone)
	}
	for _, m := range all {
		switch {
		case p.shared:
			p.natives[m] = w.seat(p, m, 0, 2, passwordAndPush, passwordAndCode)
			p.pages[m] = w.seat(p, m, 0, 1, passwordAndPush, passwordAndCode)
		case m.system.phone():
			p.natives[m] = w.seat(p, m, 25, 120, passwordAndPush, passkey)
			p.pages[m] = w.seat(p, m, 3, 30, passwordAndPush, passwordAndCode)
		case m.id == "":
			p.natives[m] = w.seat(p, m, 10, 60, passwordAndPush, passwordAndCode)
			p.pages[m] = w.seat(p, m, 1, 10, passwordAndPush, passwordAndCode)
		default:
			p.natives[m] = w.seat(p, m, 20, 90, helloForBusiness, passwordAndPush)
			p.pages[m] = w.seat(p, m, 2, 14, passwordAndPush, passwordAndPush, passwordAndCode, passkey)
		}
		if m.browser == "Edge" && m.id != "" && !p.shared && p.index%2 == 0 {
			p.pages[m] = p.natives[m] // the browser signs in with the machine's session
		}
	}
}

// settle plans the sessions of a person, once it is known what will end them.
func (w *world) settle(p *person) {
	d := throw(w.opt.Seed, settleDice, uint64(p.index))
	for _, s := range p.seats {
		s.plan(d, w.start, w.end, p.controls)
		s.lost = d.chance(0.02)
	}
}

// account is a name that nobody has yet.
func (w *world) account(given, family string) string {
	for n := 0; ; n++ {
		upn := fmt.Sprintf("%c.%s@%s", given[0]+'a'-'A', strings.ToLower(family), w.domain)
		if n > 0 {
			upn = fmt.Sprintf("%c.%s%d@%s", given[0]+'a'-'A', strings.ToLower(family), n+1, w.domain)
		}
		if !w.accounts[upn] {
			w.accounts[upn] = true
			return upn
		}
	}
}
