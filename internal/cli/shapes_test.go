package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/simulate"
)

// everyShapeHas are the columns of sign-ins that each shape knows, to the second that the poorest of them keeps.
const everyShapeHas = `
let Known = (T:(Id:string, CreatedDateTime:datetime, UserPrincipalName:string, UserId:string, AppId:string, ResourceIdentity:string, IPAddress:string, AutonomousSystemNumber:string, UserAgent:string, SessionId:string, UniqueTokenIdentifier:string, ResultType:string, IncomingTokenType:string, ClientCredentialType:string, AuthenticationProtocol:string, OriginalTransferMethod:string, AuthenticationRequirement:string, Location:string, HomeTenantId:string)) {
  T | project Id, CreatedDateTime = bin(CreatedDateTime, 1s), UserPrincipalName, UserId, AppId, ResourceIdentity, IPAddress, AutonomousSystemNumber, UserAgent, SessionId, UniqueTokenIdentifier, ResultType, IncomingTokenType, ClientCredentialType, AuthenticationProtocol, OriginalTransferMethod, AuthenticationRequirement, Location, HomeTenantId };
union withsource=Table (SigninLogs | invoke Known()), (AADNonInteractiveUserSignInLogs | invoke Known())
| sort by Table asc, Id asc`

// TestEveryShapeHoldsTheSameTenant writes one tenant in every shape and asks each for its sign-ins.
func TestEveryShapeHoldsTheSameTenant(t *testing.T) {
	dir := t.TempDir()
	tenant, err := simulate.Generate(simulate.Options{Seed: 2, Users: 3, Days: 7, Scenarios: []string{"device-code-broker"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.WriteTo(dir, simulate.Shapes()...); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(folders) < 2*len(simulate.Shapes()) {
		t.Fatalf("%d files: %v", len(folders), err)
	}
	want := ""
	for _, folder := range []string{"evidence", "portal-csv", "evidence-zst", "query-api", "diagnostic", "graph", "entra-csv"} {
		var out, errs bytes.Buffer
		code := Main([]string{"query", "--format", "csv", everyShapeHas, filepath.Join(dir, folder)}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != exitOK {
			t.Errorf("%s: exit code %d: %s", folder, code, errs.String())
			continue
		}
		if want == "" {
			want = out.String()
			if n := strings.Count(want, "\n"); n < 500 {
				t.Fatalf("only %d rows: nothing is compared", n)
			}
		}
		if got := out.String(); got != want {
			t.Errorf("%s: %d lines, %d in Log Analytics' own form", folder, strings.Count(got, "\n"), strings.Count(want, "\n"))
		}
	}
}
