package simulate

import "fmt"

// app is a client application with the resource it renews tokens for.
type app struct {
	id, name, resourceID, resource string
	confidential                   bool // a web application of Microsoft's: its back end redeems the token
}

// apps are Microsoft's own, by their documented ids.
// https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
var apps = []app{
	{"d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", false},
	{"1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams", "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services", false},
	{"ab9b8c07-8f02-4f72-87fa-80105867a763", "OneDrive SyncEngine", "00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", false},
	{"9199bf20-a13f-4107-85dc-02114787ef48", "One Outlook Web", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", true},
	{"5e3ce6c0-2b1f-4285-8d4b-75ee78787346", "Microsoft Teams Web Client", "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services", true},
	{"00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", true},
	{"4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome", "4345a7b9-9a63-4910-a426-35363201d503", "O365 Suite UX", true},
}

var outlookMobile = app{"27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook Mobile", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", false}

var azureCLI = app{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", "797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API", false}

const (
	graphID   = "00000003-0000-0000-c000-000000000000"
	graphName = "Microsoft Graph"
	microsoft = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
)

type person struct {
	upn, name, id string
	population    string
	home          network
	homeHost      string
	officeHost    string
	abroad        *network
	mobile        []network
	browser       string // user agent of the interactive sign-in
	os            string
	device        string
	apps          []app
	daily         int
	start         int // hour of the day's first sign-in
	session       string
	sessionDays   int
	automation    *network // the cloud address of a sanctioned script
}

var (
	companies  = []string{"northgate", "harbourlight", "meridianworks", "fennimore", "oakline", "castleford", "brightwater", "stonebridge"}
	firstNames = []string{"a", "b", "c", "d", "e", "f", "g", "h", "j", "k", "l", "m", "n", "p", "s", "t", "v", "w"}
	lastNames  = []string{"taylor", "okafor", "singh", "murphy", "novak", "larsen", "garcia", "hughes", "petrov", "chen", "adeyemi", "rossi", "walker", "kim", "dubois", "baker", "costa", "ito", "meyer", "evans"}
)

// populations are handed out in turn, so that every tenant has each of them.
var populations = []string{"office", "mobile", "traveller", "silent-traveller", "azure-admin", "automation", "vpn", "guest", "new-laptop", "home", "month-end"}

func (g *generator) makePeople() {
	victim := g.person("r.williams@"+g.t.Domain, "R Williams", "victim")
	g.people = []*person{victim}
	taken := map[string]bool{victim.upn: true}
	for i := range g.opt.Users {
		var upn string
		for n := 0; ; n++ {
			upn = fmt.Sprintf("%s.%s@%s", pick(g, firstNames), pick(g, lastNames), g.t.Domain)
			if n > 20 {
				upn = fmt.Sprintf("%s.%s%d@%s", pick(g, firstNames), pick(g, lastNames), i, g.t.Domain)
			}
			if !taken[upn] {
				break
			}
		}
		taken[upn] = true
		population := populations[i%len(populations)]
		p := g.person(upn, upn[:1]+" "+upn[2:], population)
		g.people = append(g.people, p)
		g.t.Key.Benign = append(g.t.Key.Benign, Benign{User: upn, Population: population})
	}
}

func (g *generator) person(upn, name, population string) *person {
	p := &person{upn: upn, name: name, id: g.guid(), population: population}
	p.home = g.network("home", "GB")
	p.homeHost = g.host(p.home)
	p.officeHost = g.office.prefix + fmt.Sprintf(".%d", g.between(2, 4))
	chrome := g.between(130, 134)
	p.os = pick(g, []string{"Windows10", "Windows11"})
	p.browser = fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36 Edg/%d.0.0.0", chrome, chrome)
	p.device = g.guid()
	p.apps = append(append([]app(nil), apps[:3]...), apps[3+g.rng.IntN(2)], apps[5+g.rng.IntN(2)])
	p.daily = g.between(60, 190)
	p.start = g.between(7, 9)
	if population == "victim" {
		p.daily = g.between(135, 165)
	}
	switch population {
	case "mobile":
		for range 4 {
			p.mobile = append(p.mobile, g.network("carrier", "GB"))
		}
		p.apps = append(p.apps, outlookMobile)
	case "traveller", "silent-traveller":
		n := g.network("hotel", pick(g, []string{"FR", "DE", "ES"}))
		p.abroad = &n
	case "azure-admin":
		p.apps = append(p.apps, azureCLI)
	case "automation":
		n := g.network("hosting", pick(g, []string{"NL", "US"}))
		p.automation = &n
		p.apps = append(p.apps, azureCLI)
	}
	return p
}
