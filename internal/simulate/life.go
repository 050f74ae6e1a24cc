package simulate

import (
	"fmt"
	"time"
)

// live makes a person's days: one real sign-in in the morning, then silent renewals until the evening and a few at
// night, because machines do not sleep.
func (g *generator) live(p *person) {
	for day := range g.opt.Days + 1 {
		date := g.start.AddDate(0, 0, day)
		weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
		if p.sessionDays == 0 {
			p.session, p.sessionDays = g.guid(), g.between(3, 8)
		}
		p.sessionDays--
		if p.population == "new-laptop" && day == g.opt.Days-2 {
			p.device, p.os, p.session = g.guid(), "Windows11", g.guid()
		}
		n := p.daily + g.between(-p.daily/6, p.daily/6)
		if weekend {
			n = g.between(4, 20)
		}
		if p.population == "month-end" && day == g.opt.Days-3 {
			n *= 2
		}
		g.day(p, date, day, n, weekend)
	}
}

func (g *generator) day(p *person, date time.Time, day, n int, weekend bool) {
	place, host := g.place(p, day, weekend)
	if !weekend {
		at := date.Add(time.Duration(p.start)*time.Hour + time.Duration(g.between(0, 55))*time.Minute)
		if p.population != "silent-traveller" || place.country == "GB" {
			g.interactive(p, at, place, host)
		}
		if g.chance(0.2) {
			g.interactiveFailure(p, at.Add(-time.Minute), place, host)
		}
	}
	for range n {
		minute := p.start*60 + g.between(0, 10*60)
		if g.chance(0.12) {
			minute = g.between(0, 24*60-1)
		}
		at := date.Add(time.Duration(minute)*time.Minute + time.Duration(g.between(0, 59_999))*time.Millisecond)
		from, ip := place, host
		if len(p.mobile) > 0 && g.chance(0.4) {
			from = p.mobile[g.rng.IntN(len(p.mobile))]
			ip = g.host(from)
		} else if hour := at.Hour(); hour < 7 || hour > 18 {
			if place.country == "GB" {
				from, ip = p.home, p.homeHost
			}
		}
		g.renewal(p, at, from, ip)
	}
	if p.population == "azure-admin" && !weekend {
		for range g.between(2, 6) {
			at := date.Add(time.Duration(g.between(10*60, 16*60)) * time.Minute)
			g.cli(p, at, g.office, p.officeHost, pick(g, []string{"AZURECLI/2.71.0 (DEB) azsdk-python-azure-mgmt-resource/23.1.1 Python/3.12", "python-requests/2.32.3"}))
		}
	}
	if p.automation != nil {
		for k := range 4 {
			at := date.Add(time.Duration(2+k*6)*time.Hour + time.Duration(g.between(0, 59))*time.Second)
			g.cli(p, at, *p.automation, p.automation.prefix+".77", "python-requests/2.31.0")
		}
	}
}

// place is where a person works on a day.
func (g *generator) place(p *person, day int, weekend bool) (network, string) {
	last := g.opt.Days - 1
	switch {
	case p.abroad != nil && day >= last-2:
		return *p.abroad, p.abroad.prefix + ".19"
	case p.population == "vpn" && day%2 == 0:
		return g.vpn, g.vpn.prefix + ".5"
	case weekend || p.population == "home" || p.population == "guest", day%5 == 4:
		return p.home, p.homeHost
	}
	return g.office, p.officeHost
}

func (g *generator) interactive(p *person, at time.Time, n network, ip string) {
	r := g.signIn("SigninLogs", p, apps[6], at, n, ip)
	r.set("IsInteractive", true)
	r.set("UserAgent", p.browser)
	r.set("ClientCredentialType", "none")
	r.set("IncomingTokenType", "none")
	r.set("AuthenticationRequirement", "multiFactorAuthentication")
	r.set("AuthenticationDetails", jsonText([]any{
		map[string]any{"authenticationStepDateTime": stamp(at), "authenticationMethod": "Password", "authenticationMethodDetail": "Password in the cloud", "succeeded": true, "authenticationStepResultDetail": "Correct password", "authenticationStepRequirement": "Primary authentication", "StatusSequence": 0, "RequestSequence": 1},
		map[string]any{"authenticationStepDateTime": stamp(at.Add(12 * time.Second)), "authenticationMethod": "Mobile app notification", "succeeded": true, "authenticationStepResultDetail": "MFA completed in Azure AD", "authenticationStepRequirement": "", "StatusSequence": 0, "RequestSequence": 2},
	}))
	g.add("SigninLogs", r)
}

func (g *generator) interactiveFailure(p *person, at time.Time, n network, ip string) {
	r := g.signIn("SigninLogs", p, apps[6], at, n, ip)
	r.set("IsInteractive", true)
	r.set("UserAgent", p.browser)
	g.fail(r, pick(g, []string{"50126", "50140", "50074"}))
	g.add("SigninLogs", r)
}

// renewal is one silent renewal. Most are those of confidential clients: a server redeems the token, and what agent is
// logged is the server's.
func (g *generator) renewal(p *person, at time.Time, n network, ip string) {
	if at.After(g.opt.End) {
		return
	}
	a := p.apps[g.rng.IntN(len(p.apps))]
	for a == azureCLI {
		a = p.apps[g.rng.IntN(3)]
	}
	if len(p.mobile) > 0 && n.asn != g.office.asn && n.asn != p.home.asn {
		a = outlookMobile
	}
	if a != outlookMobile && g.chance(0.45) {
		a = pick(g, []app{p.apps[3], p.apps[4]})
	}
	r := g.signIn("AADNonInteractiveUserSignInLogs", p, a, at, n, ip)
	agent := ""
	switch {
	case a.confidential:
		r.set("ClientCredentialType", pick(g, []string{"clientAssertion", "clientAssertion", "clientSecret"}))
		r.set("IncomingTokenType", pick(g, []string{"none", "refreshToken"}))
		if g.chance(0.04) {
			agent = "python-requests/2.32.3" // a back end of Microsoft's, on the user's own address
		}
	case a == outlookMobile:
		agent = "Outlook-iOS/2.0"
		r.set("ClientCredentialType", "none")
		r.set("IncomingTokenType", "refreshToken")
	default:
		agent = pick(g, []string{"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)", "Windows-AzureAD-Authentication-Provider/1.0", p.browser, ""})
		r.set("ClientCredentialType", "none")
		r.set("IncomingTokenType", pick(g, []string{"refreshToken", "primaryRefreshToken", "none"}))
	}
	r.set("UserAgent", agent)
	if g.chance(0.04) {
		g.fail(r, pick(g, []string{"50058", "70043", "50140", "700082", "65001"}))
	}
	g.add("AADNonInteractiveUserSignInLogs", r)
}

func (g *generator) cli(p *person, at time.Time, n network, ip, agent string) {
	if at.After(g.opt.End) {
		return
	}
	r := g.signIn("AADNonInteractiveUserSignInLogs", p, azureCLI, at, n, ip)
	r.set("UserAgent", agent)
	r.set("ClientCredentialType", "none")
	r.set("IncomingTokenType", "refreshToken")
	g.add("AADNonInteractiveUserSignInLogs", r)
}

// attack replays the victim's refresh token from rented servers, and has an application consented to.
func (g *generator) attack(p *person) {
	var servers []network
	for range g.between(1, 3) {
		servers = append(servers, g.network("hosting", pick(g, []string{"NL", "US", "RO", "DE"})))
	}
	client := pick(g, []app{azureCLI, apps[0], apps[2], {"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell", "", "", false}})
	client.resourceID, client.resource = graphID, graphName
	agent := pick(g, []string{"python-requests/2.28.1", "python-requests/2.31.0", "Python/3.11 aiohttp/3.9.1", "Go-http-client/1.1", "curl/8.4.0", "axios/1.6.2", "python-httpx/0.27.0"})
	day := g.opt.End.Truncate(24*time.Hour).AddDate(0, 0, -g.between(1, 2))
	begin := day.Add(3*time.Hour + time.Duration(g.between(0, 20))*time.Minute)
	end := begin.Add(time.Duration(g.between(4, 26)) * time.Hour)
	incident := Incident{ID: "INC-1", User: p.upn, Scenario: "r.williams", Detectable: true, EventIDs: map[string][]string{}}
	session := p.session
	ips := map[string]bool{}
	for hour := begin; hour.Before(end); hour = hour.Add(time.Hour) {
		if g.chance(0.2) && hour != begin {
			continue
		}
		server := servers[g.rng.IntN(len(servers))]
		for range g.between(24, 60) {
			at := hour.Add(time.Duration(g.between(0, 3_599_999)) * time.Millisecond)
			if at.After(end) || at.After(g.opt.End) {
				continue
			}
			ip := server.prefix + ".66"
			r := g.signIn("AADNonInteractiveUserSignInLogs", p, client, at, server, ip)
			r.set("SessionId", session)
			r.set("UserAgent", agent)
			r.set("ClientCredentialType", "none")
			r.set("IncomingTokenType", "refreshToken")
			r.set("AuthenticationRequirement", "singleFactorAuthentication")
			r.set("DeviceDetail", jsonText(map[string]any{"deviceId": "", "operatingSystem": "", "browser": "Python Requests 2.28"}))
			if g.chance(0.05) {
				g.fail(r, pick(g, []string{"50173", "65001", "53003"}))
			}
			g.add("AADNonInteractiveUserSignInLogs", r)
			id, _ := r.values["Id"].(string)
			incident.EventIDs["AADNonInteractiveUserSignInLogs"] = append(incident.EventIDs["AADNonInteractiveUserSignInLogs"], id)
			incident.note(at)
			ips[ip] = true
		}
	}
	for ip := range ips {
		incident.SourceIPs = append(incident.SourceIPs, ip)
	}
	sortStrings(incident.SourceIPs)
	g.consent(p, servers[0], begin.Add(time.Duration(g.between(15, 50))*time.Minute), &incident)
	for _, ids := range incident.EventIDs {
		sortStrings(ids)
	}
	g.t.Key.Incidents = []Incident{incident}
}

func (i *Incident) note(at time.Time) {
	if i.First.IsZero() || at.Before(i.First) {
		i.First = at
	}
	if at.After(i.Last) {
		i.Last = at
	}
}

// consent registers the attacker's application and lets it sign in with credentials of its own.
func (g *generator) consent(p *person, server network, at time.Time, incident *Incident) {
	appID, name := g.guid(), pick(g, []string{"Mail Archiver", "Calendar Assistant", "Document Viewer Pro", "PDF Sync", "Team Notes"})
	for _, op := range []string{"Consent to application", "Add delegated permission grant"} {
		r := g.audit(op, p.upn, p.id, server.prefix+".66", at, []any{map[string]any{
			"id": g.guid(), "displayName": name, "type": "ServicePrincipal",
			"modifiedProperties": []any{
				map[string]any{"displayName": "ConsentContext.IsAdminConsent", "oldValue": nil, "newValue": `"False"`},
				map[string]any{"displayName": "ConsentAction.Permissions", "oldValue": nil, "newValue": `"[[Scope: Mail.Read Files.Read.All offline_access]]"`},
				map[string]any{"displayName": "TargetId.ServicePrincipalNames", "oldValue": nil, "newValue": `"` + appID + `"`},
			},
		}})
		g.add("AuditLogs", r)
		id, _ := r.values["Id"].(string)
		incident.EventIDs["AuditLogs"] = append(incident.EventIDs["AuditLogs"], id)
		at = at.Add(2 * time.Second)
	}
	principal := g.guid()
	for range g.between(4, 12) {
		when := at.Add(time.Duration(g.between(10, 900)) * time.Minute)
		if when.After(g.opt.End) {
			continue
		}
		r := g.base("AADServicePrincipalSignInLogs", when)
		r.set("AppId", appID)
		r.set("ServicePrincipalId", principal)
		r.set("ServicePrincipalName", name)
		r.set("IPAddress", server.prefix+".66")
		r.set("AutonomousSystemNumber", fmt.Sprint(server.asn))
		r.set("Location", server.country)
		r.set("ResourceDisplayName", graphName)
		r.set("ResourceIdentity", graphID)
		r.set("ResultType", "0")
		r.set("ClientCredentialType", "clientSecret")
		g.add("AADServicePrincipalSignInLogs", r)
		id, _ := r.values["Id"].(string)
		incident.EventIDs["AADServicePrincipalSignInLogs"] = append(incident.EventIDs["AADServicePrincipalSignInLogs"], id)
	}
}

// auditNoise are the consents and resets of ordinary days.
func (g *generator) auditNoise() {
	for _, p := range g.people[1:] {
		if !g.chance(0.6) {
			continue
		}
		day := g.start.AddDate(0, 0, g.between(0, g.opt.Days-4))
		at := day.Add(time.Duration(g.between(9*60, 16*60)) * time.Minute)
		op := pick(g, []string{"Consent to application", "Change user password", "Add member to group", "Update user"})
		g.add("AuditLogs", g.audit(op, p.upn, p.id, p.officeHost, at, []any{map[string]any{"id": g.guid(), "displayName": pick(g, []string{"Zoom", "Adobe Acrobat", "Miro"}), "type": "ServicePrincipal", "modifiedProperties": []any{map[string]any{"displayName": "TargetId.ServicePrincipalNames", "oldValue": nil, "newValue": `"` + g.guid() + `"`}}}}))
	}
}
