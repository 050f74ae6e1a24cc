package investigation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// deeds adds the rows of other tables that signals name: calls of Microsoft Graph and what was done in the mailbox. The
// audit log's rows are the persistence.
func (b *builder) deeds(ctx context.Context, findings []finding.Finding) error {
	var named []string
	ips := make([]set, len(findings))
	for i := range findings {
		f := &findings[i]
		ips[i] = set{}
		for _, ip := range f.SourceIPs {
			ips[i][ip] = true
		}
		seen, missing := set{}, set{}
		for _, e := range f.Events {
			seen[e.Key] = true
		}
		for _, s := range f.Signals {
			for _, id := range s.EventIDs {
				missing[id] = missing[id] || !seen[id]
			}
		}
		for _, id := range keys(missing) {
			if missing[id] {
				named = append(named, fmt.Sprintf("%d, %s", i, quoted(id)))
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	got, err := b.ask(ctx, "deeds", fmt.Sprintf(`let Named = datatable(Finding: long, Key: string)[%s];
union
  (MicrosoftGraphActivityLogs | join kind=inner Named on $left.RequestId == $right.Key | project Table = "MicrosoftGraphActivityLogs", Finding, Key, Time = TimeGenerated, IPAddress, AppId, What = strcat(RequestMethod, " ", RequestUri), UserAgent, SessionId, SourceFile = _SourceFile, SourceLine = _SourceLine),
  (OfficeActivity | extend Key = iff(isempty(OfficeId), SourceRecordId, OfficeId) | join kind=inner Named on Key | project Table = "OfficeActivity", Finding, Key, Time = TimeGenerated, IPAddress = iff(isempty(ClientIP), Client_IPAddress, ClientIP), AppId, What = Operation, UserAgent, SessionId = tostring(AppAccessContext.AADSessionId), SourceFile = _SourceFile, SourceLine = _SourceLine)
| sort by Finding asc, Time asc, Key asc, SourceFile asc, SourceLine asc`, strings.Join(named, ", ")))
	if err != nil {
		return err
	}
	err = got.Each(func(r *kql.Row) {
		i, ip := r.Number("Finding"), r.Text("IPAddress")
		ips[i][ip] = true
		findings[i].Events = append(findings[i].Events, finding.Event{
			Table: r.Text("Table"), Key: r.Text("Key"), Time: r.Time("Time"), File: r.Text("SourceFile"), Row: r.Number("SourceLine"), Role: finding.Attacker,
			IP: ip, AppID: r.Text("AppId"), Resource: r.Text("What"), UserAgent: r.Text("UserAgent"), SessionID: r.Text("SessionId"),
		})
	})
	if err != nil {
		return err
	}
	for i := range findings {
		findings[i].SourceIPs = keys(ips[i])
	}
	return nil
}

// consents are what an account changed from the addresses of a finding, and consents at its time from anywhere; with what an
// application that is named there did with credentials of its own. What failed changed nothing.
const consents = `// functions: ChangedApp
let Findings = datatable(Finding: long, UserId: string, From: datetime, To: datetime, Addresses: dynamic)[%s];
AuditLogs
| where Result !~ "failure"
| extend UserId = tostring(InitiatedBy.user.id), IPAddress = tostring(InitiatedBy.user.ipAddress)
| join kind=inner Findings on UserId
| where set_has_element(Addresses, IPAddress) or OperationName == "Consent to application" and ActivityDateTime between (From .. To)
| extend Changes = tostring(TargetResources[0].modifiedProperties)
| extend AppId = ChangedApp(OperationName, Changes, tostring(AdditionalDetails))
| extend Other = iff(tostring(TargetResources[0].type) in ("ServicePrincipal", "Application"), "", extract("[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}", 0, Changes))
| join kind=leftouter (AADServicePrincipalSignInLogs | where ResultType == "0" and isnotempty(AppId) | summarize SignIns = count(), LastSignIn = max(CreatedDateTime) by AppId = tolower(AppId)) on AppId
| project Finding, ActivityDateTime, OperationName, Target = tostring(TargetResources[0].displayName), AppId, IPAddress, Id, SourceFile = _SourceFile, SourceLine = _SourceLine, SignIns = coalesce(SignIns, 0), LastSignIn, TargetId = case(isnotempty(AppId), AppId, isnotempty(Other), Other, tostring(TargetResources[0].id))
| sort by Finding asc, ActivityDateTime asc, Id asc, SourceFile asc, SourceLine asc`

// persistence lists the consents of the users' accounts from the attacker's addresses, and what the applications did.
func (b *builder) persistence(ctx context.Context, findings []finding.Finding) error {
	var about []string
	for i := range findings {
		f := &findings[i]
		if len(f.SourceIPs) > 0 {
			about = append(about, fmt.Sprintf("%d, %s, datetime(%s), datetime(%s), dynamic([%s])", i, quoted(f.UserID),
				f.FirstSeen.Add(-time.Hour).Format(time.RFC3339), f.LastSeen.Add(24*time.Hour).Format(time.RFC3339), quotedList(f.SourceIPs)))
		}
	}
	if len(about) == 0 {
		return nil
	}
	query, err := hunt.Inline(fmt.Sprintf(consents, strings.Join(about, ",\n  ")), hunts.Functions)
	if err != nil {
		return err
	}
	got, err := b.ask(ctx, "persistence", query)
	if err != nil {
		return err
	}
	return got.Each(func(r *kql.Row) {
		f := &findings[r.Number("Finding")]
		kind, name, at, id, ip := r.Text("OperationName"), r.Text("Target"), r.Time("ActivityDateTime"), r.Text("Id"), r.Text("IPAddress")
		p := finding.Persistence{Kind: kind, Name: name, ID: r.Text("TargetId"), Time: at, EventIDs: []string{id}, Detail: "from " + ip}
		if n := r.Number("SignIns"); n > 0 {
			p.Detail += fmt.Sprintf("; signed in with credentials of its own %d times, last at %s: it survives the revocation of tokens", n, r.Time("LastSignIn").Format(time.RFC3339))
		}
		f.Persistence = append(f.Persistence, p)
		f.Events = append(f.Events, finding.Event{
			Table: "AuditLogs", Key: id, Time: at, File: r.Text("SourceFile"), Row: r.Number("SourceLine"), Role: finding.Control,
			IP: ip, AppID: r.Text("AppId"), App: name,
		})
	})
}
