package simulate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// row is one record with its arrival, by which exports are ordered.
type row struct {
	values  map[string]any
	arrival time.Time
}

func (r *row) set(name string, v any) { r.values[name] = v }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

func sortStrings(s []string) { sort.Strings(s) }

// jsonText is compact JSON with its keys in order.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(text)
}

func (g *generator) add(table string, r *row) {
	created, _ := r.values["created"].(time.Time)
	delete(r.values, "created")
	if created.After(g.opt.End) {
		return
	}
	g.t.rows[table] = append(g.t.rows[table], *r)
}

// base makes what every row has. UniqueTokenIdentifier is the request's GUID in little-endian order, as Entra makes it.
func (g *generator) base(table string, at time.Time) *row {
	raw := g.guidBytes()
	r := &row{values: map[string]any{}, arrival: at.Add(time.Duration(g.between(60, 1200)) * time.Second)}
	little := []byte{raw[3], raw[2], raw[1], raw[0], raw[5], raw[4], raw[7], raw[6]}
	little = append(little, raw[8:]...)
	r.set("created", at)
	r.set("Id", guidText(raw))
	r.set("UniqueTokenIdentifier", base64.RawURLEncoding.EncodeToString(little))
	r.set("CorrelationId", g.guid())
	r.set("TimeGenerated", stamp(r.arrival))
	r.set("CreatedDateTime", stamp(at))
	r.set("Type", table)
	r.set("TenantId", g.tenantID)
	r.set("AADTenantId", g.tenantID)
	r.set("ResourceTenantId", g.tenantID)
	r.set("SourceSystem", "Azure AD")
	r.set("OperationName", "Sign-in activity")
	r.set("OperationVersion", "1.0")
	r.set("Category", categoryOf[table])
	r.set("ResultSignature", "SUCCESS")
	r.set("DurationMs", 0)
	r.set("Level", "4")
	return r
}

var categoryOf = map[string]string{
	"SigninLogs": "SignInLogs", "AADNonInteractiveUserSignInLogs": "NonInteractiveUserSignInLogs",
	"AADServicePrincipalSignInLogs": "ServicePrincipalSignInLogs", "AuditLogs": "AuditLogs",
}

// signIn makes a successful sign-in by a person.
func (g *generator) signIn(table string, p *person, a app, at time.Time, n network, ip string) *row {
	r := g.base(table, at)
	r.set("UserPrincipalName", p.upn)
	r.set("UserDisplayName", p.name)
	r.set("Identity", p.name)
	r.set("UserId", p.id)
	r.set("HomeTenantId", g.tenantID)
	r.set("UserType", "Member")
	if p.population == "guest" {
		r.set("UserType", "Guest")
	}
	r.set("AppId", a.id)
	r.set("AppDisplayName", a.name)
	r.set("AppOwnerTenantId", microsoft)
	r.set("ResourceIdentity", a.resourceID)
	r.set("ResourceDisplayName", a.resource)
	r.set("IPAddress", ip)
	r.set("AutonomousSystemNumber", fmt.Sprint(n.asn))
	r.set("Location", n.country)
	r.set("SessionId", p.session)
	r.set("ResultType", "0")
	r.set("IsInteractive", false)
	r.set("ClientAppUsed", "Mobile Apps and Desktop clients")
	r.set("AuthenticationProtocol", "none")
	r.set("OriginalTransferMethod", "none")
	r.set("AuthenticationRequirement", "singleFactorAuthentication")
	r.set("ConditionalAccessStatus", "notApplied")
	r.set("CrossTenantAccessType", "none")
	r.set("RiskLevelDuringSignIn", "none")
	r.set("RiskState", "none")
	r.set("RiskEventTypes_V2", "[]")
	network := "[]"
	if n == g.office {
		network = `[{"networkType":"trustedNamedLocation","networkNames":["Head office"]}]`
	}
	r.set("NetworkLocationDetails", network)
	r.set("DeviceDetail", jsonText(map[string]any{"deviceId": p.device, "displayName": "LAP-" + strings.ToUpper(p.device[:6]), "operatingSystem": p.os, "browser": "Edge 133.0.0", "isCompliant": true, "isManaged": true, "trustType": "Azure AD joined"}))
	r.set("LocationDetails", jsonText(map[string]any{"city": n.city, "countryOrRegion": n.country}))
	r.set("Status", jsonText(map[string]any{"errorCode": 0}))
	r.set("AuthenticationDetails", jsonText([]any{map[string]any{"authenticationStepDateTime": stamp(at), "authenticationMethod": "Previously satisfied", "succeeded": true, "authenticationStepResultDetail": "First factor requirement satisfied by claim in the token"}}))
	if table == "AADNonInteractiveUserSignInLogs" {
		r.set("SignInEventTypes", `["nonInteractiveUser"]`)
	}
	return r
}

func (g *generator) fail(r *row, code string) {
	r.set("ResultType", code)
	r.set("ResultSignature", "FAILURE")
	r.set("Status", jsonText(map[string]any{"errorCode": json.Number(code)}))
}

func (g *generator) audit(operation, upn, id, ip string, at time.Time, targets []any) *row {
	r := g.base("AuditLogs", at)
	delete(r.values, "UniqueTokenIdentifier")
	delete(r.values, "CreatedDateTime")
	r.set("Id", fmt.Sprintf("Directory_%s_%d", r.values["CorrelationId"], g.between(10000, 99999)))
	r.set("ActivityDateTime", stamp(at))
	r.set("OperationName", operation)
	r.set("ActivityDisplayName", operation)
	r.set("AADOperationType", "Assign")
	r.set("Category", "ApplicationManagement")
	r.set("LoggedByService", "Core Directory")
	r.set("Result", "success")
	r.set("InitiatedBy", jsonText(map[string]any{"user": map[string]any{"id": id, "userPrincipalName": upn, "ipAddress": ip}}))
	r.set("TargetResources", jsonText(targets))
	r.set("AdditionalDetails", "[]")
	return r
}

// emitCopies sends a few rows again, later and poorer in part, as risk updates do.
func (g *generator) emitCopies(table string, rows *[]row) {
	if !strings.Contains(table, "User") && table != "SigninLogs" {
		return
	}
	n := len(*rows)
	for i := range n {
		if !g.chance(0.03) {
			continue
		}
		old := (*rows)[i]
		again := row{values: map[string]any{}, arrival: old.arrival.Add(time.Duration(g.between(5, 40)) * time.Minute)}
		for k, v := range old.values {
			again.values[k] = v
		}
		again.set("TimeGenerated", stamp(again.arrival))
		again.set("OriginalTransferMethod", "none")
		again.set("NetworkLocationDetails", "[]")
		*rows = append(*rows, again)
	}
}
