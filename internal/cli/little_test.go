package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/investigation"
)

// visit is what somebody does at one address: some sign-ins of one session at equal distances.
type visit struct {
	user, session, ip, as, country string
	from, every                    time.Duration // since the evidence's first morning, at eight
	times                          int
	agent, system, device          string
	app, protocol                  string
	table                          string // NonInteractive when empty
	factor                         bool   // a factor is given
}

const (
	edgeOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0"
	firefoxLinux  = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	outlookPhone  = "Outlook-iOS/2.0"
	webMail       = "00000002-0000-0ff1-ce00-000000000000"
	officeClient  = "d3590ed6-52b3-4102-aeff-aad2292ab01c"
)

// write appends the visit's rows to the tables of a folder.
func (v visit) write(t *testing.T, dir string, morning time.Time) {
	t.Helper()
	table, methods := silentTable, `[{"authenticationMethod":"Previously satisfied","succeeded":true}]`
	if v.table != "" {
		table = v.table
	}
	if v.factor {
		methods = `[{"authenticationMethod":"Password","succeeded":true},{"authenticationMethod":"Mobile app notification","succeeded":true}]`
	}
	f, err := os.OpenFile(filepath.Join(dir, table+".jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := range v.times {
		at := morning.Add(v.from + time.Duration(n)*v.every).Format(time.RFC3339)
		row := map[string]any{
			"Type": table, "TimeGenerated": at, "CreatedDateTime": at, "Id": fmt.Sprintf("%s-%s-%s-%s", v.user, v.ip, v.app, at),
			"UserId": v.user, "UserPrincipalName": v.user + "@contoso.test", "HomeTenantId": "contoso", "ResultType": "0",
			"AppId": v.app, "ResourceIdentity": "00000003-0000-0000-c000-000000000000", "IPAddress": v.ip, "AutonomousSystemNumber": v.as, "Location": v.country,
			"SessionId": v.session, "UserAgent": v.agent, "DeviceDetail": fmt.Sprintf(`{"deviceId":%q,"operatingSystem":%q}`, v.device, v.system),
			"AuthenticationDetails": methods, "AuthenticationProtocol": v.protocol,
		}
		line, err := json.Marshal(row)
		if err == nil {
			_, err = f.Write(append(line, '\n'))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLittleEvidence hunts what a collector brings of one user or of a laboratory's few, hours or days of it: the thief's
// address is accused and the user's is not, though hardly anything can be learned from it.
func TestLittleEvidence(t *testing.T) {
	t.Parallel()
	home := visit{user: "megan", session: "s", ip: "81.2.69.144", as: "5089", country: "GB", every: 25 * time.Minute, times: 20, agent: edgeOnWindows, system: "Windows10", app: webMail}
	like := func(v visit, change func(*visit)) visit { change(&v); return v }
	signIn := like(home, func(v *visit) { v.table, v.times, v.factor = "SigninLogs", 1, true })
	laptop := like(home, func(v *visit) { v.device = "laptop" })
	for _, x := range []struct {
		name    string
		visits  []visit
		accused []string
	}{
		{"four hours, non-interactive alone: a script beside the user", []visit{
			like(home, func(v *visit) { v.times = 9 }),
			like(home, func(v *visit) {
				v.ip, v.as, v.country, v.agent, v.system, v.app, v.from, v.times = "45.77.12.90", "20473", "US", "python-requests/2.28.2", "", officeClient, 30*time.Minute, 8
			}),
		}, []string{"45.77.12.90"}},
		{"the same, half a year before the evidence ends", []visit{
			like(home, func(v *visit) { v.times = 9 }),
			like(home, func(v *visit) {
				v.ip, v.as, v.country, v.agent, v.system, v.app, v.from, v.times = "45.77.12.90", "20473", "US", "python-requests/2.28.2", "", officeClient, 30*time.Minute, 8
			}),
			like(home, func(v *visit) { v.session, v.from = "later", 180*24*time.Hour }),
		}, []string{"45.77.12.90"}},
		{"a day: a phishing proxy and the place to which it hands the session", []visit{
			signIn, home,
			like(signIn, func(v *visit) {
				v.session, v.ip, v.as, v.country, v.from = "t", "164.92.10.5", "14061", "NL", 5*time.Hour
			}),
			like(home, func(v *visit) {
				v.session, v.ip, v.as, v.country, v.agent, v.system, v.from, v.times = "t", "185.220.101.34", "60729", "DE", firefoxLinux, "Linux", 5*time.Hour+4*time.Minute, 12
			}),
		}, []string{"164.92.10.5", "185.220.101.34"}},
		{"five days, interactive alone: the same, and a home at which factors were given on two days", []visit{
			signIn, like(signIn, func(v *visit) { v.from = 4 * 24 * time.Hour }),
			like(signIn, func(v *visit) {
				v.session, v.ip, v.as, v.country, v.from = "t", "164.92.10.5", "14061", "NL", 3*24*time.Hour
			}),
			like(signIn, func(v *visit) {
				v.session, v.ip, v.as, v.country, v.agent, v.system, v.factor, v.times, v.from = "t", "185.220.101.34", "60729", "DE", firefoxLinux, "Linux", false, 5, 3*24*time.Hour+5*time.Minute
			}),
		}, []string{"164.92.10.5", "185.220.101.34"}},
		{"two days: a phone that never shows a device beside a laptop that always does", []visit{
			like(signIn, func(v *visit) { v.device = "laptop" }), laptop, like(laptop, func(v *visit) { v.from = 24 * time.Hour }),
			like(home, func(v *visit) {
				v.session, v.ip, v.as, v.agent, v.system, v.times = "p", "82.132.210.9", "12576", outlookPhone, "Ios 18.5", 6
			}),
			like(home, func(v *visit) {
				v.session, v.ip, v.as, v.agent, v.system, v.from, v.times = "p", "82.132.211.9", "12576", outlookPhone, "Ios 18.5", 10*time.Hour, 6
			}),
			like(home, func(v *visit) {
				v.session, v.ip, v.as, v.agent, v.system, v.from, v.times = "p", "82.132.212.9", "12576", outlookPhone, "Ios 18.5", 26*time.Hour, 6
			}),
		}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, v := range x.visits {
				v.write(t, dir, time.Date(2026, 6, 2, 8, 0, 0, 0, time.UTC))
			}
			var inv investigation.Investigation
			if err := json.Unmarshal(runPartly(t, "hunt", oneThread, dir, "--format", "json"), &inv); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range inv.Findings {
				got = append(got, f.SourceIPs...)
			}
			slices.Sort(got)
			if !slices.Equal(got, x.accused) {
				t.Errorf("accused are %v, want %v", got, x.accused)
			}
		})
	}
}
